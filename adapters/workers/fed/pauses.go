package fed

import (
	"math"
	"runtime/metrics"
	"time"
)

// stops is how long each stop of the world for a collection lasted, from the
// decision to stop until the world goes on, as a histogram. Its buckets are a
// quarter of a power of two wide.
const stops = "/sched/pauses/total/gc:seconds"

// lookForPauses is how often the runtime is asked. It says how long stops were
// and not when, so that this is how late one may be marked.
const lookForPauses = 100 * time.Millisecond

// pauses reports when the garbage collector stopped the program.
type pauses struct {
	report *Report
	sample []metrics.Sample
	seen   []uint64
}

// newPauses has seen every stop before it.
func newPauses(report *Report) *pauses {
	p := &pauses{report: report, sample: []metrics.Sample{{Name: stops}}}
	metrics.Read(p.sample)
	p.seen = append(p.seen, p.sample[0].Value.Float64Histogram().Counts...)
	return p
}

// watch looks for pauses for as long as the program lives.
func (p *pauses) watch() {
	for range time.Tick(lookForPauses) {
		p.look()
	}
}

// look reports each stop since the last look, as long as its bucket's upper
// bound, as if it had ended now.
func (p *pauses) look() {
	metrics.Read(p.sample)
	histogram, now := p.sample[0].Value.Float64Histogram(), Now()
	for bucket, count := range histogram.Counts {
		length := histogram.Buckets[bucket+1]
		if math.IsInf(length, 1) {
			length = histogram.Buckets[bucket]
		}
		for range count - p.seen[bucket] {
			p.report.Add(0, statusPause, now-int64(length*1e9), now)
		}
		p.seen[bucket] = count
	}
}
