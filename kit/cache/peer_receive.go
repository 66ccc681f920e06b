package cache

import "time"

// receive handles a message from the bus.
func (p *Peers) receive(data []byte) {
	m, err := decodeMessage(data)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.cache.Clear() // it may have been an invalidation
	case m.From == p.id:
		p.receiveOwn(m)
	default:
		p.receivePeer(m)
	}
	p.refresh()
}

// receiveOwn handles a message of this process: the bus works in both directions.
func (p *Peers) receiveOwn(m peerMessage) {
	if m.Number != p.self.number+1 {
		p.cache.Clear() // those of others may be lost, too
	}
	now := p.now()
	if p.self.number == 0 || now >= p.self.fresh+lease {
		p.gate = max(p.gate, now+lease) // until each peer has been heard
	}
	p.self = peer{number: m.Number, seen: m.Number, heard: now, fresh: p.sentAt(m.Number)}
}

// receivePeer handles a message of another process.
func (p *Peers) receivePeer(m peerMessage) {
	other, ok := p.peers[m.From]
	if !ok {
		other = &peer{fresh: -lease}
		p.peers[m.From] = other
	}
	if m.Number != other.number+1 {
		p.cache.Clear() // a lost message may have been an invalidation
	}
	other.number, other.heard = m.Number, p.now()
	if seen := m.Seen[p.id]; seen > other.seen && seen <= p.number {
		other.seen, other.fresh = seen, p.sentAt(seen)
	}
	if len(m.Tags) > 0 {
		p.cache.Invalidate(m.Hold, m.Tags...)
	}
	if m.Leaving {
		delete(p.peers, m.From)
	} else if !ok || len(m.Tags) > 0 {
		p.send(peerMessage{}) // an acknowledgement
	}
	close(p.progress)
	p.progress = make(chan struct{})
}

// sentAt returns the send time of a message of this process; long ago if it is not known.
func (p *Peers) sentAt(number uint64) time.Duration {
	if number+sentTimes <= p.number {
		return -lease
	}
	return p.sent[number%sentTimes]
}

// refresh computes until when the cache may be used.
func (p *Peers) refresh() {
	until := p.self.fresh + lease
	for _, other := range p.peers {
		until = min(until, other.fresh+lease)
	}
	if p.now() < p.gate || p.self.number == 0 || len(p.peers) > maxPeers {
		until = -1
	}
	p.freshUntil.Store(int64(until))
}

// forget removes the peers that left without notice long ago. Their last changes may be
// unknown, so it clears the cache.
func (p *Peers) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, other := range p.peers {
		if p.now()-other.heard > forgetAfter {
			delete(p.peers, id)
			p.cache.Clear()
			p.log.Warn("peer of the cache is gone, using the cache without it", "peer", id)
		}
	}
}
