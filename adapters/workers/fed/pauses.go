package fed

import (
	"runtime/debug"
	"time"
)

// lookForPauses is how often the runtime is asked; it remembers 256 pauses, and
// has far fewer in that time.
const lookForPauses = 500 * time.Millisecond

// pauses reports when the garbage collector stopped the program.
type pauses struct {
	report *Report
	stats  debug.GCStats
}

func newPauses(report *Report) *pauses {
	p := &pauses{report: report}
	debug.ReadGCStats(&p.stats)
	return p
}

// watch looks for pauses for as long as the program lives.
func (p *pauses) watch() {
	for range time.Tick(lookForPauses) {
		p.look()
	}
}

// look reports the pauses since the last look, the oldest first.
func (p *pauses) look() {
	seen := p.stats.NumGC
	debug.ReadGCStats(&p.stats)
	toRunsClock := Now() - time.Now().UnixNano()
	fresh := min(int(p.stats.NumGC-seen), len(p.stats.Pause), len(p.stats.PauseEnd))
	for n := fresh - 1; n >= 0; n-- {
		end := p.stats.PauseEnd[n].UnixNano() + toRunsClock
		p.report.Add(0, statusPause, end-int64(p.stats.Pause[n]), end)
	}
}
