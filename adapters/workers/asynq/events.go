package main

import (
	"encoding/binary"
	"io"
	"sync"
	"time"
)

// status is what a record says of an attempt.
type status uint32

const (
	ready         status = 0
	done          status = 1
	failed        status = 2
	failedFinally status = 3
	corrupt       status = 4
	pause         status = 5
	// taken and confirmed, 6 and 7, are of systems that run in a child.
	disconnected status = 8
	reconnected  status = 9
)

const (
	recordBytes = 32
	// batchBytes is PIPE_BUF: a write of at most this many bytes never mixes
	// with another writer's.
	batchBytes = 4096
	flushAfter = 5 * time.Millisecond
)

// record is one record of the worker protocol; its times are CLOCK_MONOTONIC
// in nanoseconds.
type record struct {
	id         uint64
	attempt    uint32
	status     status
	start, end int64
}

// events writes records to the harness: in batches that leave when they are
// full or after 5 ms, or one by one where workers are killed.
type events struct {
	pipe      io.Writer
	writeEach bool

	mu     sync.Mutex
	buffer []byte
	timer  *time.Timer
}

func newEvents(pipe io.Writer, writeEach bool) *events {
	e := &events{pipe: pipe, writeEach: writeEach, buffer: make([]byte, 0, batchBytes)}
	e.timer = time.AfterFunc(time.Hour, e.flush)
	e.timer.Stop()
	return e
}

func (e *events) add(r record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	isFirst := len(e.buffer) == 0
	b := binary.LittleEndian.AppendUint64(e.buffer, r.id)
	b = binary.LittleEndian.AppendUint32(b, r.attempt)
	b = binary.LittleEndian.AppendUint32(b, uint32(r.status))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.start))
	e.buffer = binary.LittleEndian.AppendUint64(b, uint64(r.end))
	switch {
	case e.writeEach || len(e.buffer)+recordBytes > batchBytes:
		e.write()
	case isFirst:
		e.timer.Reset(flushAfter)
	}
}

// flush lets everything leave now.
func (e *events) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.write()
}

func (e *events) write() {
	if len(e.buffer) == 0 {
		return
	}
	e.timer.Stop()
	// The harness has gone when its end is closed; then nobody is left to
	// tell, and the parent-death signal ends this process.
	_, _ = e.pipe.Write(e.buffer)
	e.buffer = e.buffer[:0]
}
