package main

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"schedbench/fed"
)

// log collects what a runner reports.
type log struct {
	sync.Mutex
	bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(b)
}

func (l *log) ran() int {
	l.Lock()
	defer l.Unlock()
	return l.Len() / 32
}

func TestTasksRunOnceAndNoEarlierThanClaimed(t *testing.T) {
	for profile, early := range map[string]time.Duration{
		"afterfunc": 0, "tasks": 0, "timingwheel": time.Millisecond,
	} {
		var events log
		work := &fed.Work{Profile: profile}
		scheduler, err := open(work, fed.NewRunner(work, fed.NewReport(&events, true), false))
		if err != nil {
			t.Fatal(err)
		}
		// The last two cross a turn of the wheel.
		delays := []time.Duration{-time.Second, 0, 1, time.Millisecond, 20 * time.Millisecond,
			511 * time.Millisecond, 700 * time.Millisecond}
		due := make([]int64, len(delays))
		for id, delay := range delays {
			due[id] = fed.Now() + int64(delay)
			if err := scheduler.At(uint64(id), delay); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(10 * time.Second); events.ran() < len(delays) && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		scheduler.Stop()
		seen := make(map[uint64]int)
		for events.ran() > 0 {
			record := events.Next(32)
			id, start := binary.LittleEndian.Uint64(record), int64(binary.LittleEndian.Uint64(record[16:]))
			seen[id]++
			if by := due[id] - start; by > int64(early) {
				t.Errorf("%s: task %d started %d ns early", profile, id, by)
			}
		}
		for id := range delays {
			if seen[uint64(id)] != 1 {
				t.Errorf("%s: task %d ran %d times", profile, id, seen[uint64(id)])
			}
		}
	}
}

func TestAnUnknownProfileIsRefused(t *testing.T) {
	if _, err := open(&fed.Work{Profile: "other"}, nil); err == nil {
		t.Error("no error")
	}
}
