package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Work is what the harness asks for: one line of JSON on standard input. Fields
// that this worker has no use for are left out.
type Work struct {
	Queue     string  `json:"queue"`
	Index     uint64  `json:"index"`
	At        Address `json:"at"`
	Shape     Shape   `json:"shape"`
	Seed      uint64  `json:"seed"`
	Handler   Handler `json:"handler"`
	FailPPM   uint64  `json:"fail_ppm"`
	Retry     Retry   `json:"retry"`
	Body      Fill    `json:"body"`
	WriteEach bool    `json:"write_each"`
	Options   Options `json:"options"`
}

// Address is where Redis is.
type Address struct {
	Host     string `json:"host"`
	Port     uint16 `json:"port"`
	User     string `json:"user"`
	Password string `json:"password"`
	Database string `json:"database"`
}

// Shape says how many handlers run at a time.
type Shape struct {
	Concurrency int `json:"concurrency"`
}

// Retry is what follows a failed attempt.
type Retry struct {
	Backoff time.Duration `json:"backoff_ns"`
}

// Fill says how bodies are made.
type Fill struct {
	Seed  uint64 `json:"seed"`
	Bytes int    `json:"bytes"`
}

// Options is what a profile sets of Asynq's own configuration; what it leaves
// out keeps the library's default.
type Options struct {
	// TaskCheckInterval is about how long an idle server sleeps, in ms.
	TaskCheckInterval int `json:"task_check_interval_ms,string"`
	// DelayedTaskCheckInterval is how often due tasks are moved, in ms.
	DelayedTaskCheckInterval int `json:"delayed_task_check_interval_ms,string"`
	// Concurrency replaces the shape's.
	Concurrency int `json:"concurrency,string"`
	// SentinelMaster is what the sentinels at the address call the primary;
	// empty where a Redis itself is there.
	SentinelMaster string `json:"sentinel_master"`
	// Queues are the names of the cell's queues, with commas between them, where
	// it has several; all of the same priority.
	Queues string `json:"queues"`
	// ClusterNodes are the masters of a Redis Cluster, host:port with commas
	// between them; empty where a Redis itself is at the address.
	ClusterNodes string `json:"cluster_nodes"`
	// Servers is how many asynq.Servers share the process's handlers.
	Servers int `json:"servers,string"`
}

// Handler is what is done with a task: nothing, a sleep, or work for a core.
type Handler struct {
	Sleep, CPU time.Duration
}

// UnmarshalJSON reads "none", {"sleep-ns": n} or {"cpu-ns": n}.
func (h *Handler) UnmarshalJSON(text []byte) error {
	*h = Handler{}
	var name string
	if json.Unmarshal(text, &name) == nil {
		if name != "none" {
			return fmt.Errorf("handler %q is none of none, sleep-ns, cpu-ns", name)
		}
		return nil
	}
	var with struct {
		Sleep *time.Duration `json:"sleep-ns"`
		CPU   *time.Duration `json:"cpu-ns"`
	}
	if err := json.Unmarshal(text, &with); err != nil {
		return err
	}
	switch {
	case with.Sleep != nil && with.CPU == nil:
		h.Sleep = *with.Sleep
	case with.CPU != nil && with.Sleep == nil:
		h.CPU = *with.CPU
	default:
		return fmt.Errorf("handler %s is none of none, sleep-ns, cpu-ns", text)
	}
	return nil
}

func (h Handler) perform() {
	if h.Sleep > 0 {
		time.Sleep(h.Sleep)
	}
	if h.CPU > 0 {
		for until := nanotime() + int64(h.CPU); nanotime() < until; {
		}
	}
}

// readWork reads the one line.
func readWork(from io.Reader) (*Work, error) {
	line, err := bufio.NewReader(from).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the work: %w", err)
	}
	var work Work
	if err := json.Unmarshal(line, &work); err != nil {
		return nil, fmt.Errorf("expected the work as one line of JSON on standard input: %w", err)
	}
	if work.Queue == "" || work.At.Host == "" {
		return nil, errors.New("the work names no queue or no Redis")
	}
	return &work, nil
}
