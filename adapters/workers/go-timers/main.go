// Go-timers runs tasks by timers of Go: the runtime's own, a timing wheel, or
// the library that goes by the name of tasks. The harness feeds it.
package main

import (
	"fmt"
	"time"

	"github.com/RussellLuo/timingwheel"
	"github.com/madflojo/tasks"

	"schedbench/fed"
)

func main() { fed.Main(open, false) }

func open(work *fed.Work, runner *fed.Runner) (fed.Scheduler, error) {
	switch work.Profile {
	case "afterfunc":
		return afterFunc{runner}, nil
	case "timingwheel":
		// The tick is the finest that it takes; 512 of them are a turn.
		wheel := timingwheel.NewTimingWheel(time.Millisecond, 512)
		wheel.Start()
		return timingWheel{wheel, runner}, nil
	case "tasks":
		return taskList{tasks.New(), runner}, nil
	}
	return nil, fmt.Errorf("profile %q is none of afterfunc, timingwheel, tasks", work.Profile)
}

// afterFunc is the runtime's own timers.
type afterFunc struct{ runner *fed.Runner }

func (s afterFunc) At(id uint64, delay time.Duration) error {
	time.AfterFunc(delay, func() { s.runner.Run(id) })
	return nil
}

func (s afterFunc) Stop() {}

// timingWheel is RussellLuo/timingwheel, a hierarchical wheel after Kafka's.
type timingWheel struct {
	wheel  *timingwheel.TimingWheel
	runner *fed.Runner
}

func (s timingWheel) At(id uint64, delay time.Duration) error {
	s.wheel.AfterFunc(delay, func() { s.runner.Run(id) })
	return nil
}

func (s timingWheel) Stop() { s.wheel.Stop() }

// taskList is madflojo/tasks, each task once.
type taskList struct {
	scheduler *tasks.Scheduler
	runner    *fed.Runner
}

func (s taskList) At(id uint64, delay time.Duration) error {
	_, err := s.scheduler.Add(&tasks.Task{
		// It refuses an interval of 0: the shortest stands for at once.
		Interval: max(delay, 1),
		RunOnce:  true,
		TaskFunc: func() error {
			s.runner.Run(id)
			return nil
		},
	})
	return err
}

func (s taskList) Stop() { s.scheduler.Stop() }
