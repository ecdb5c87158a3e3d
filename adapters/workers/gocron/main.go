// Gocron runs tasks as jobs of gocron: one-shot jobs, with or without a lock in
// Redis; interval jobs; or one interval job that looks for what is due. The
// harness feeds it.
package main

import (
	"fmt"
	"log"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-co-op/gocron/v2"

	"schedbench/fed"
)

const (
	// soon is what is not given to gocron with its start. When a start passes
	// between NewJob's check and the moment gocron's scheduler takes the job,
	// that scheduler loops for ever (v2.21.2;
	// TestAStartThatPassesStopsTheScheduler). What is due sooner waits in a
	// timer of the runtime, as it would in gocron, and is started at once then.
	// On two cores that six brokers shared 50 ms passed in between once.
	soon = 250 * time.Millisecond
	// stuckAfter is when a job that was not taken never will be.
	stuckAfter = 5 * time.Second
	// stopWithin is how long jobs that run have to finish.
	stopWithin = 5 * time.Second
)

func main() { fed.Main(open, true) }

func open(work *fed.Work, runner *fed.Runner) (fed.Scheduler, error) {
	options := []gocron.SchedulerOption{
		gocron.WithLimitConcurrentJobs(uint(max(1, work.Shape.Concurrency)), gocron.LimitModeWait),
		gocron.WithStopTimeout(stopWithin),
	}
	switch work.Profile {
	case "no-lock", "interval", "interval-10ms":
	case "redis-lock", "redis-lock-2":
		locker, err := newLocker(work, runner.LetGo)
		if err != nil {
			return nil, err
		}
		options = append(options, gocron.WithDistributedLocker(locker))
	default:
		return nil, fmt.Errorf("profile %q is none of no-lock, redis-lock, redis-lock-2, interval, "+
			"interval-10ms", work.Profile)
	}
	scheduler, err := gocron.NewScheduler(options...)
	if err != nil {
		return nil, err
	}
	scheduler.Start()
	if work.Profile == "interval-10ms" {
		return newPoller(scheduler, 10*time.Millisecond, work.Shape.Concurrency, runner.Run)
	}
	jobs := newJobs(scheduler, work.Queue, runner.Run)
	jobs.byInterval = work.Profile == "interval"
	return jobs, nil
}

// jobs makes a job of each task.
type jobs struct {
	scheduler gocron.Scheduler
	prefix    string
	run       func(uint64)
	// byInterval makes interval jobs instead of one-shot jobs.
	byInterval bool
	// since is when the job that is being added was begun to be; 0 for none.
	since atomic.Int64
}

func newJobs(scheduler gocron.Scheduler, queue string, run func(uint64)) *jobs {
	s := &jobs{scheduler: scheduler, prefix: queue + ".lock.", run: run}
	go s.watch()
	return s
}

func (s *jobs) At(id uint64, delay time.Duration) error {
	s.since.Store(fed.Now())
	defer s.since.Store(0)
	switch {
	case s.byInterval && delay > 0:
		// Its first run is one interval after it was added.
		return s.add(id, gocron.DurationJob(delay))
	case s.byInterval:
		// There is no interval of 0; this one is never waited for.
		at := gocron.WithStartAt(gocron.WithStartImmediately())
		return s.add(id, gocron.DurationJob(time.Hour), at)
	case delay >= soon:
		return s.addOnce(id, gocron.OneTimeJobStartDateTime(time.Now().Add(delay)))
	case delay > 0:
		time.AfterFunc(delay, func() {
			if err := s.addOnce(id, gocron.OneTimeJobStartImmediately()); err != nil {
				log.Fatalf("task %016x: %v", id, err)
			}
		})
		return nil
	default:
		return s.addOnce(id, gocron.OneTimeJobStartImmediately())
	}
}

func (s *jobs) addOnce(id uint64, start gocron.OneTimeJobStartAtOption) error {
	return s.add(id, gocron.OneTimeJob(start))
}

func (s *jobs) add(id uint64, job gocron.JobDefinition, options ...gocron.JobOption) error {
	options = append(options,
		// The name is the lock's key.
		gocron.WithName(s.prefix+strconv.FormatUint(id, 16)),
		// Without this gocron keeps a one-shot job that has run, and goes on
		// with an interval job.
		gocron.WithLimitedRuns(1),
	)
	_, err := s.scheduler.NewJob(job, gocron.NewTask(s.run, id), options...)
	return err
}

// watch ends the program when gocron takes no job any more.
func (s *jobs) watch() {
	for range time.Tick(time.Second) {
		if since := s.since.Load(); since > 0 && fed.Now()-since > int64(stuckAfter) {
			log.Fatalf("gocron has not taken a job within %s: its scheduler loops for ever when a "+
				"start passes before it takes the job", stuckAfter)
		}
	}
}

func (s *jobs) Stop() { _ = s.scheduler.Shutdown() }
