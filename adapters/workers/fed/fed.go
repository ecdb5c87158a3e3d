// Package fed is what schedulers that live in a process of their own share: the
// harness feeds them tasks on standard input, and they report on descriptor 3.
//
// Standard input is one line of JSON (Work), then records of 16 bytes, little
// endian: the task's id and when it is due, CLOCK_MONOTONIC in nanoseconds. A
// task is confirmed once the scheduler has it. The end of the input ends
// nothing: what is scheduled still runs. SIGTERM ends the program, whose last
// record says how many tasks end with it.
package fed

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const taskBytes = 16

// Scheduler is what is measured.
type Scheduler interface {
	// At has run called once when delay has passed; at once where it is not
	// above zero. It may be called from one goroutine at a time.
	At(id uint64, delay time.Duration) error
	// Stop lets no other task start; it may wait for those that run.
	Stop()
}

// Open makes the scheduler; it calls runner.Run with the id of each task.
type Open func(work *Work, runner *Runner) (Scheduler, error)

// Main is a program's main function. A scheduler that limitsItself runs no more
// handlers at a time than the work's shape says; for others the runner does.
func Main(open Open, limitsItself bool) {
	if err := serve(open, limitsItself); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(open Open, limitsItself bool) error {
	// A pipe that blocks would hold one of the runtime's processors, and with
	// it the timers that are measured, for as long as a read takes.
	if err := syscall.SetNonblock(0, true); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if err := syscall.SetNonblock(3, true); err != nil {
		return fmt.Errorf("descriptor 3, where events go: %w", err)
	}
	stdin := os.NewFile(0, "standard input")
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)

	input := bufio.NewReaderSize(stdin, 64*1024)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("expected the work as one line of JSON on standard input: %w", err)
	}
	var work Work
	if err := json.Unmarshal(line, &work); err != nil {
		return fmt.Errorf("the work cannot be read: %w", err)
	}
	report := NewReport(os.NewFile(3, "events"), work.WriteEach)
	runner := NewRunner(&work, report, limitsItself)
	scheduler, err := open(&work, runner)
	if err != nil {
		return err
	}
	report.Add(work.Index, statusReady, 0, 0)
	report.Flush()

	go newPauses(report).watch()
	fed := make(chan error, 1)
	go func() { fed <- feed(input, scheduler, report) }()
	select {
	case <-terminate:
		// The feeder may be in the middle of a batch: nothing of it is
		// reported once the input is closed and it has returned.
		stdin.Close()
		err = <-fed
	case err = <-fed:
		if err == nil {
			<-terminate
		}
	}
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if err != nil {
		report.Flush()
		return err
	}
	scheduler.Stop()
	runner.stop()
	report.end(uint32(work.Index))
	cost, err := ownCost(&work)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "our part of a task: %d ns (clock readings, planned end, a record when "+
		"it is confirmed and one when it has run)\n", cost.Nanoseconds())
	return nil
}

// feed hands tasks to the scheduler until the input ends.
func feed(input *bufio.Reader, scheduler Scheduler, report *Report) error {
	var ids [recordsInOneNotice]uint64
	for {
		if _, err := input.Peek(taskBytes); err != nil {
			if errors.Is(err, io.EOF) && input.Buffered() == 0 {
				return nil
			}
			return err
		}
		// What is there already, as one batch with one stamp.
		count := min(input.Buffered()/taskBytes, len(ids))
		batch, err := input.Peek(count * taskBytes)
		if err != nil {
			return err
		}
		for at := range count {
			record := batch[at*taskBytes:]
			ids[at] = binary.LittleEndian.Uint64(record)
			due := int64(binary.LittleEndian.Uint64(record[8:]))
			if err := scheduler.At(ids[at], time.Duration(due-Now())); err != nil {
				return fmt.Errorf("task %016x: %w", ids[at], err)
			}
		}
		report.Confirm(ids[:count], Now())
		if _, err := input.Discard(count * taskBytes); err != nil {
			return err
		}
	}
}
