package fed

import (
	"encoding/json"
	"fmt"
	"time"
)

// Work is what the harness asks of this process: the first line of its
// standard input. Fields that a fed program has no use for are left out.
type Work struct {
	System    string   `json:"system"`
	Profile   string   `json:"profile"`
	Queue     string   `json:"queue"`
	Index     uint64   `json:"index"`
	At        *Address `json:"at"`
	Shape     Shape    `json:"shape"`
	Seed      uint64   `json:"seed"`
	Handler   Handler  `json:"handler"`
	FailPPM   uint64   `json:"fail_ppm"`
	WriteEach bool     `json:"write_each"`
}

// Address says where a server is.
type Address struct {
	Host     string  `json:"host"`
	Port     uint16  `json:"port"`
	User     *string `json:"user"`
	Password *string `json:"password"`
	Database *string `json:"database"`
	TLS      bool    `json:"tls"`
}

// Shape says how many workers and connections there are.
type Shape struct {
	// Concurrency is how many handlers run at a time.
	Concurrency int `json:"concurrency"`
	// Connections is how many connections a process has to its server.
	Connections int `json:"connections"`
}

// Handler is what is done with a task.
type Handler struct {
	// Sleep is how long it sleeps.
	Sleep time.Duration
	// CPU is how long it keeps a core busy.
	CPU time.Duration
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
		Sleep *int64 `json:"sleep-ns"`
		CPU   *int64 `json:"cpu-ns"`
	}
	if err := json.Unmarshal(text, &with); err != nil {
		return err
	}
	switch {
	case with.Sleep != nil && with.CPU == nil:
		h.Sleep = time.Duration(*with.Sleep)
	case with.CPU != nil && with.Sleep == nil:
		h.CPU = time.Duration(*with.CPU)
	default:
		return fmt.Errorf("handler %s is none of none, sleep-ns, cpu-ns", text)
	}
	return nil
}

// works reports whether the handler takes any time.
func (h Handler) works() bool { return h.Sleep > 0 || h.CPU > 0 }

// perform does the handler's work.
func (h Handler) perform() {
	if h.Sleep > 0 {
		time.Sleep(h.Sleep)
	}
	if h.CPU > 0 {
		for until := Now() + int64(h.CPU); Now() < until; {
		}
	}
}
