package main

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"

	"schedbench/fed"
)

// Why a job that is due soon is not given to gocron with its start: a job
// whose start has passed when the scheduler looks at it is never started, nor
// is any other.
func TestAStartThatPassesStopsTheScheduler(t *testing.T) {
	scheduler, err := gocron.NewScheduler()
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan struct{}, 1)
	start := gocron.OneTimeJobStartDateTime(time.Now().Add(20 * time.Millisecond))
	if _, err := scheduler.NewJob(gocron.OneTimeJob(start), gocron.NewTask(func() { ran <- struct{}{} })); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	go scheduler.Start()
	select {
	case <-ran:
		t.Fatal("gocron is mended: main.go can do without soon and stuckAfter")
	case <-time.After(time.Second):
	}
}

// Why each job is limited to one run.
func TestAJobThatHasRunStaysUnlessItsRunsAreLimited(t *testing.T) {
	left := func(options ...gocron.JobOption) int {
		scheduler, err := gocron.NewScheduler()
		if err != nil {
			t.Fatal(err)
		}
		scheduler.Start()
		defer scheduler.Shutdown()
		ran := make(chan struct{})
		for range 10 {
			job, now := gocron.NewTask(func() { ran <- struct{}{} }), gocron.OneTimeJobStartImmediately()
			if _, err := scheduler.NewJob(gocron.OneTimeJob(now), job, options...); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			<-ran
		}
		for end := time.Now().Add(time.Second); time.Now().Before(end) && len(scheduler.Jobs()) > 0; {
			time.Sleep(time.Millisecond)
		}
		return len(scheduler.Jobs())
	}
	if n := left(); n != 10 {
		t.Errorf("%d of 10 are left: gocron is mended, add can do without a limit", n)
	}
	if n := left(gocron.WithLimitedRuns(1)); n != 0 {
		t.Errorf("%d of 10 are left with a limit of one run", n)
	}
}

func TestTasksRunOnceAndNeverEarly(t *testing.T) {
	once := func(s gocron.Scheduler, run func(uint64)) (fed.Scheduler, error) {
		return newJobs(s, "queue", run), nil
	}
	byInterval := func(s gocron.Scheduler, run func(uint64)) (fed.Scheduler, error) {
		jobs := newJobs(s, "queue", run)
		jobs.byInterval = true
		return jobs, nil
	}
	polled := func(s gocron.Scheduler, run func(uint64)) (fed.Scheduler, error) {
		return newPoller(s, 10*time.Millisecond, 4, run)
	}
	for name, open := range map[string]func(gocron.Scheduler, func(uint64)) (fed.Scheduler, error){
		"one-shot jobs": once, "interval jobs": byInterval, "a job that looks": polled,
	} {
		t.Run(name, func(t *testing.T) { runOnceAndNeverEarly(t, open) })
	}
}

func runOnceAndNeverEarly(t *testing.T, open func(gocron.Scheduler, func(uint64)) (fed.Scheduler, error)) {
	scheduler, err := gocron.NewScheduler(gocron.WithLimitConcurrentJobs(4, gocron.LimitModeWait))
	if err != nil {
		t.Fatal(err)
	}
	scheduler.Start()
	type run struct {
		id uint64
		at int64
	}
	ran := make(chan run, 100)
	jobs, err := open(scheduler, func(id uint64) { ran <- run{id, fed.Now()} })
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Stop()
	delays := []time.Duration{-time.Second, 0, 10 * time.Millisecond, soon + 10*time.Millisecond}
	due := make([]int64, len(delays))
	for id, delay := range delays {
		due[id] = fed.Now() + int64(delay)
		if err := jobs.At(uint64(id), delay); err != nil {
			t.Fatal(err)
		}
	}
	for range delays {
		if run := <-ran; run.at < due[run.id] {
			t.Errorf("task %d ran %d ns early", run.id, due[run.id]-run.at)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if len(ran) > 0 {
		t.Errorf("task %d ran again", (<-ran).id)
	}
}

// A look waits for a free slot, so that no more handlers run than are asked
// for, and what it has begun is waited for at the end.
func TestALookRunsNoMoreThanItsSlots(t *testing.T) {
	scheduler, err := gocron.NewScheduler()
	if err != nil {
		t.Fatal(err)
	}
	scheduler.Start()
	running, most, ended := atomic.Int64{}, atomic.Int64{}, atomic.Int64{}
	poller, err := newPoller(scheduler, time.Millisecond, 2, func(uint64) {
		most.Store(max(most.Load(), running.Add(1)))
		time.Sleep(20 * time.Millisecond)
		running.Add(-1)
		ended.Add(1)
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(6) {
		if err := poller.At(id, 0); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); ended.Load() < 4 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	poller.Stop()
	if most.Load() > 2 || running.Load() != 0 || ended.Load() < 4 {
		t.Errorf("%d ran at once, %d still run, %d ended", most.Load(), running.Load(), ended.Load())
	}
}
