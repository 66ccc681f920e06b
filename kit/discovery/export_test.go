package discovery

import "github.com/nats-io/nats.go"

// ConnOf returns the connection of a bucket.
func ConnOf(b *Bucket) *nats.Conn { return b.conn }

// SeenOf returns the sequence of the last change of a bucket that Run took.
func SeenOf(b *Bucket) uint64 { return b.seen.Load() }
