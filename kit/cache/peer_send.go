package cache

import "time"

// hello tells the others that this process is alive.
func (p *Peers) hello() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send(peerMessage{})
}

// leave tells the others that this process makes no further changes.
func (p *Peers) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freshUntil.Store(-1)
	p.gate = forever
	p.send(peerMessage{Leaving: true})
}

// forever is later than any time.
const forever = time.Duration(1<<63 - 1)

// send queues a message and returns its number. A message that is lost leaves a gap, which the
// others notice. The caller holds mu, so that messages leave in their order.
func (p *Peers) send(m peerMessage) uint64 {
	p.number++
	p.sent[p.number%sentTimes] = p.now()
	m.From, m.Number = p.id, p.number
	m.Seen = make(map[string]uint64, len(p.peers))
	for id, other := range p.peers {
		m.Seen[id] = other.number
	}
	select {
	case p.outbox <- m.encode():
	default: // lost
	}
	return p.number
}

// publish publishes the queued messages until left is closed and none is queued, and closes
// sent. A bus that blocks blocks nothing else: a change waits for its acknowledgements only.
func (p *Peers) publish(left <-chan struct{}, sent chan<- struct{}) {
	defer close(sent)
	for {
		select {
		case data := <-p.outbox:
			_ = p.bus.Publish(data) // a message that is lost is a gap
		case <-left:
			if len(p.outbox) == 0 {
				return
			}
		}
	}
}
