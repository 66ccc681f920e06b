package rpc

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxCachedDescriptors is the maximum number of messages in a descriptorCache. A program and
// the services that it forwards to have fewer.
const maxCachedDescriptors = 50_000

// A descriptorCache holds a value for each message. The descriptors of a dynamic service are
// new with each of its versions, so the cache is emptied when it is full. The zero value is
// empty. It is safe for concurrent use.
type descriptorCache[V any] struct {
	values sync.Map
	count  atomic.Int64
}

// get returns the value of a message, which compute returns if it is not cached.
func (c *descriptorCache[V]) get(message protoreflect.MessageDescriptor, compute func(protoreflect.MessageDescriptor) V) V {
	if known, ok := c.values.Load(message); ok {
		return known.(V) //nolint:forcetypeassert // nothing else is stored
	}
	value := compute(message)
	if _, known := c.values.LoadOrStore(message, value); !known && c.count.Add(1) > maxCachedDescriptors {
		c.values.Clear()
		c.count.Store(0)
	}
	return value
}
