package fed

// Runner runs handlers and reports them.
type Runner struct {
	work   *Work
	report *Report
	// slots is nil where the scheduler itself limits how many run at a time,
	// and where the handler takes no time: what takes none needs no limit.
	slots chan struct{}
	// stopping is closed once no handler may start any more.
	stopping chan struct{}
}

// NewRunner runs the work's handlers. A scheduler that limitsItself decides how
// many run at a time; for others the runner lets no more than the shape says.
func NewRunner(work *Work, report *Report, limitsItself bool) *Runner {
	runner := &Runner{work: work, report: report, stopping: make(chan struct{})}
	if !limitsItself && work.Handler.works() {
		runner.slots = make(chan struct{}, max(1, work.Shape.Concurrency))
	}
	return runner
}

// Run runs a task's handler and reports it. A handler that does nothing takes
// less time than reading the clock: it starts and ends at one reading.
func (r *Runner) Run(id uint64) {
	if r.slots != nil {
		if !r.enter() {
			return
		}
		defer func() { <-r.slots }()
	}
	start := Now()
	end := start
	if r.work.Handler.works() {
		r.work.Handler.perform()
		end = Now()
	}
	status := uint32(statusDone)
	if attemptFails(r.work.Seed, id, 0, r.work.FailPPM) {
		status = statusFailedFinal
	}
	r.report.Add(id, status, start, end)
}

// LetGo says that a task will not be run by this program, as where another has
// its lock.
func (r *Runner) LetGo() { r.report.LetGo() }

// enter waits for a slot; without one where the program is stopping: what waits
// for its turn then is held and ends with it.
func (r *Runner) enter() bool {
	select {
	case <-r.stopping:
		return false
	default:
	}
	select {
	case <-r.stopping:
		return false
	case r.slots <- struct{}{}:
		return true
	}
}

// stop waits for the handlers that run; none starts after it.
func (r *Runner) stop() {
	close(r.stopping)
	for range cap(r.slots) {
		r.slots <- struct{}{}
	}
}
