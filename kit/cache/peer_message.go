package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// maxMessageBytes bounds a message of a peer.
	maxMessageBytes = 1 << 20
	// maxIDBytes bounds the id of a peer, maxTags and maxHold an invalidation.
	maxIDBytes = 64
	maxTags    = 1000
	maxHold    = 10 * time.Minute
)

// A peerMessage is what a process sends to all others: that it is alive, what it has
// received, and what it has changed.
type peerMessage struct {
	From   string `json:"from"`   // the id of the sender
	Number uint64 `json:"number"` // 1 for the first message of the sender; then without a gap
	// Seen holds the number of the last message received from each peer, by id.
	Seen map[string]uint64 `json:"seen,omitempty"`
	// Tags are stale, and nothing with them may be stored for Hold.
	Tags []string      `json:"tags,omitempty"`
	Hold time.Duration `json:"hold,omitempty"` // nanoseconds
	// Leaving is set in the last message of the sender.
	Leaving bool `json:"leaving,omitempty"`
}

// encode returns the message as JSON.
func (m peerMessage) encode() []byte {
	data, _ := json.Marshal(m) // it always marshals
	return data
}

// decodeMessage decodes a message of a peer. It returns an error for one that no peer sends.
func decodeMessage(data []byte) (m peerMessage, err error) {
	if len(data) > maxMessageBytes {
		return m, errors.New("message is too large")
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("decode message: %w", err)
	}
	switch {
	case m.From == "" || len(m.From) > maxIDBytes:
		return m, errors.New("message without a valid id")
	case m.Number == 0:
		return m, errors.New("message without a number")
	case len(m.Tags) > maxTags || m.Hold < 0 || m.Hold > maxHold:
		return m, errors.New("message with an invalid invalidation")
	}
	return m, nil
}
