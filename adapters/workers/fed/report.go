package fed

import (
	"encoding/binary"
	"io"
	"sync"
	"time"
)

// Statuses of the worker protocol that a fed program uses.
const (
	statusReady        = 0
	statusDone         = 1
	statusFailedFinal  = 3
	statusPause        = 5
	statusConfirmed    = 7
	statusHeld         = 10
	recordBytes        = 32
	batchBytes         = 4096 // PIPE_BUF: writes up to this never mix
	flushAfter         = 5 * time.Millisecond
	recordsInOneNotice = batchBytes / recordBytes
)

// Report writes records of the worker protocol to the harness: 32 bytes each,
// little endian, in batches that leave when 4,096 bytes are full or within
// 5 ms, or one by one where workers are killed.
type Report struct {
	mutex     sync.Mutex
	pipe      io.Writer
	buffer    []byte
	writeEach bool
	timer     *time.Timer
	// held counts tasks that were confirmed and have neither run nor been let go.
	held int64
}

// NewReport writes to pipe.
func NewReport(pipe io.Writer, writeEach bool) *Report {
	report := &Report{pipe: pipe, buffer: make([]byte, 0, batchBytes), writeEach: writeEach}
	report.timer = time.AfterFunc(time.Hour, report.Flush)
	report.timer.Stop()
	return report
}

// Add adds one record.
func (r *Report) Add(id uint64, status uint32, start, end int64) {
	r.mutex.Lock()
	if status == statusDone || status == statusFailedFinal {
		r.held--
	}
	// The attempt is always the first, 0: a timer fires once.
	r.add(id, 0, status, start, end)
	r.mutex.Unlock()
}

// Confirm reports that these tasks are held by the scheduler since at the
// latest at.
func (r *Report) Confirm(ids []uint64, at int64) {
	r.mutex.Lock()
	for _, id := range ids {
		r.add(id, 0, statusConfirmed, 0, at)
	}
	r.held += int64(len(ids))
	r.mutex.Unlock()
}

// LetGo says that the scheduler will never run a task that it was given: it is
// not held any more.
func (r *Report) LetGo() {
	r.mutex.Lock()
	r.held--
	r.mutex.Unlock()
}

// end reports how many tasks end with the program, as the last of its records.
func (r *Report) end(index uint32) {
	r.mutex.Lock()
	now := Now()
	r.add(uint64(max(0, r.held)), index, statusHeld, now, now)
	r.flush()
	r.mutex.Unlock()
}

func (r *Report) add(id uint64, attempt, status uint32, start, end int64) {
	first := len(r.buffer) == 0
	b := binary.LittleEndian.AppendUint64(r.buffer, id)
	b = binary.LittleEndian.AppendUint64(b, uint64(status)<<32|uint64(attempt))
	b = binary.LittleEndian.AppendUint64(b, uint64(start))
	r.buffer = binary.LittleEndian.AppendUint64(b, uint64(end))
	switch {
	case r.writeEach || len(r.buffer)+recordBytes > batchBytes:
		r.flush()
	case first:
		r.timer.Reset(flushAfter)
	}
}

// Flush lets everything leave now.
func (r *Report) Flush() {
	r.mutex.Lock()
	r.flush()
	r.mutex.Unlock()
}

func (r *Report) flush() {
	if len(r.buffer) == 0 {
		return
	}
	// The harness has gone when its end is closed; then nobody is left to
	// tell, and the parent-death signal ends this process.
	_, _ = r.pipe.Write(r.buffer)
	r.buffer = r.buffer[:0]
	r.timer.Stop()
}
