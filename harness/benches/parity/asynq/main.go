// Asynq's own client or server at full throttle, to set schedbench's beside.
// Reads one line of JSON, for it holds a password, and says what it did in one.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sys/unix"
)

type job struct {
	// Enqueue or process.
	Side     string `json:"side"`
	Addr     string `json:"addr"`
	Password string `json:"password"`
	Queue    string `json:"queue"`
	// Bytes of a task's payload.
	Body int `json:"body"`
	// Callers of Enqueue, or handlers.
	Window int `json:"window"`
	// How long to enqueue, after a warm-up.
	WarmupMS  int `json:"warmup_ms"`
	MeasureMS int `json:"measure_ms"`
	// How many tasks to process.
	Tasks int64 `json:"tasks"`
}

// said is what the measurement reads: tasks between two CLOCK_MONOTONIC
// instants in nanoseconds.
type said struct {
	Tasks int64 `json:"tasks"`
	From  int64 `json:"from"`
	To    int64 `json:"to"`
}

func main() {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		fail(err)
	}
	at := asynq.RedisClientOpt{Addr: j.Addr, Password: j.Password}
	var result said
	var err error
	switch j.Side {
	case "enqueue":
		result, err = enqueue(at, j)
	case "process":
		result, err = process(at, j)
	default:
		err = fmt.Errorf("no side %q", j.Side)
	}
	if err != nil {
		fail(err)
	}
	line, err := json.Marshal(result)
	if err != nil {
		fail(err)
	}
	fmt.Printf("parity %s\n", line)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "asynq:", err)
	os.Exit(1)
}

func now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		fail(err)
	}
	return t.Nano()
}

// enqueue calls the library's Enqueue from as many goroutines as there may be
// tasks unconfirmed: each waits for its answer.
func enqueue(at asynq.RedisClientOpt, j job) (said, error) {
	client := asynq.NewClient(at)
	defer client.Close()
	payload := bytes.Repeat([]byte("x"), j.Body)
	var done atomic.Int64
	var stop atomic.Bool
	var callers sync.WaitGroup
	failed := make(chan error, j.Window)
	for range j.Window {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for !stop.Load() {
				task := asynq.NewTask("schedbench:task", payload)
				if _, err := client.Enqueue(task, asynq.Queue(j.Queue), asynq.MaxRetry(0)); err != nil {
					failed <- err
					return
				}
				done.Add(1)
			}
		}()
	}
	time.Sleep(time.Duration(j.WarmupMS) * time.Millisecond)
	from, before := now(), done.Load()
	time.Sleep(time.Duration(j.MeasureMS) * time.Millisecond)
	to, after := now(), done.Load()
	stop.Store(true)
	callers.Wait()
	select {
	case err := <-failed:
		return said{}, err
	default:
		return said{Tasks: after - before, From: from, To: to}, nil
	}
}

// process runs the library's server, as it comes, until so many tasks have
// been handled.
func process(at asynq.RedisClientOpt, j job) (said, error) {
	var done, from atomic.Int64
	end := make(chan int64, 1)
	handler := func(context.Context, *asynq.Task) error {
		switch done.Add(1) {
		case 1:
			from.Store(now())
		case j.Tasks:
			end <- now()
		}
		return nil
	}
	server := asynq.NewServer(at, asynq.Config{
		Concurrency: j.Window,
		Queues:      map[string]int{j.Queue: 1},
		LogLevel:    asynq.WarnLevel,
	})
	if err := server.Start(asynq.HandlerFunc(handler)); err != nil {
		return said{}, err
	}
	to := <-end
	server.Shutdown()
	return said{Tasks: j.Tasks, From: from.Load(), To: to}, nil
}
