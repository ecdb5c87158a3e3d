package main

import (
	"container/heap"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"

	"schedbench/fed"
)

// poller is what an interval job is customarily for: it looks each interval for
// what is due, and has it run. Tasks lie in a heap in memory, where a user has
// a table.
type poller struct {
	scheduler gocron.Scheduler
	run       func(uint64)
	// slots has room for as many handlers as run at a time.
	slots chan struct{}

	mutex   sync.Mutex
	waiting dueTasks
}

func newPoller(scheduler gocron.Scheduler, every time.Duration, concurrency int, run func(uint64)) (*poller, error) {
	p := &poller{scheduler: scheduler, run: run, slots: make(chan struct{}, max(1, concurrency))}
	_, err := scheduler.NewJob(
		gocron.DurationJob(every),
		gocron.NewTask(p.look),
		// A look that would begin while one goes on is left out.
		gocron.WithSingletonMode(gocron.LimitModeReschedule),
	)
	return p, err
}

func (p *poller) At(id uint64, delay time.Duration) error {
	task := dueTask{due: fed.Now() + int64(delay), id: id}
	p.mutex.Lock()
	heap.Push(&p.waiting, task)
	p.mutex.Unlock()
	return nil
}

// look has everything run that is due when it begins; it waits where all slots
// are taken.
func (p *poller) look() {
	now := fed.Now()
	for {
		id, is := p.take(now)
		if !is {
			return
		}
		p.slots <- struct{}{}
		go func() {
			p.run(id)
			<-p.slots
		}()
	}
}

// take takes one task that is due.
func (p *poller) take(now int64) (id uint64, is bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.waiting) == 0 || p.waiting[0].due > now {
		return 0, false
	}
	return heap.Pop(&p.waiting).(dueTask).id, true
}

// Stop ends the looking, then waits for the handlers that run.
func (p *poller) Stop() {
	_ = p.scheduler.Shutdown()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
}

type dueTask struct {
	due int64
	id  uint64
}

// dueTasks is a heap; the first is due first.
type dueTasks []dueTask

func (t dueTasks) Len() int           { return len(t) }
func (t dueTasks) Less(i, j int) bool { return t[i].due < t[j].due }
func (t dueTasks) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *dueTasks) Push(task any)     { *t = append(*t, task.(dueTask)) }
func (t *dueTasks) Pop() any {
	last := len(*t) - 1
	task := (*t)[last]
	*t = (*t)[:last]
	return task
}
