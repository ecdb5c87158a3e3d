package main

import (
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
	jobs := newJobs(scheduler, "queue", func(id uint64) { ran <- run{id, fed.Now()} })
	defer jobs.Stop()
	delays := []time.Duration{-time.Second, 0, 10 * time.Millisecond, 60 * time.Millisecond}
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
