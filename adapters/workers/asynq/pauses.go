package main

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

// pauses knows which stops have been reported.
type pauses struct {
	sample []metrics.Sample
	seen   []uint64
}

// newPauses has seen every stop before it.
func newPauses() *pauses {
	p := &pauses{sample: []metrics.Sample{{Name: stops}}}
	metrics.Read(p.sample)
	p.seen = append(p.seen, p.sample[0].Value.Float64Histogram().Counts...)
	return p
}

// look reports each stop since the last look, as long as its bucket's upper
// bound, as if it had ended now.
func (p *pauses) look(e *events) {
	metrics.Read(p.sample)
	histogram, now := p.sample[0].Value.Float64Histogram(), nanotime()
	for bucket, count := range histogram.Counts {
		length := histogram.Buckets[bucket+1]
		if math.IsInf(length, 1) {
			length = histogram.Buckets[bucket]
		}
		for range count - p.seen[bucket] {
			e.add(record{status: pause, start: now - int64(length*1e9), end: now})
		}
		p.seen[bucket] = count
	}
}

// reportPauses reports the garbage collector's pauses until stop is closed.
func reportPauses(e *events, stop <-chan struct{}) {
	ticker := time.NewTicker(lookForPauses)
	defer ticker.Stop()
	for p := newPauses(); ; p.look(e) {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}
