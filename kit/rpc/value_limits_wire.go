package rpc

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// checkWire returns an error if data, an encoded message, has more values than the limit,
// or a list that exceeds the limit of its field. It allocates next to nothing. Malformed
// data is left to the decoder.
func (l sizeLimit) checkWire(data []byte, message protoreflect.MessageDescriptor) error {
	c := wireCount{limit: l}
	return c.count(data, message, 0)
}

// A wireCount counts the values of one encoded message.
type wireCount struct {
	limit             sizeLimit
	messages, scalars int
}

func (c *wireCount) count(data []byte, message protoreflect.MessageDescriptor, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	fields, limits := message.Fields(), itemLimitsOf(message)
	var items []int // counts per limit; nil until the first
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil
		}
		data = data[n:]
		value := protowire.ConsumeFieldValue(number, kind, data)
		if value < 0 {
			return nil
		}
		field := fields.ByNumber(number)
		if field == nil {
			data = data[value:]
			continue
		}
		nested, count := field.Message(), 1
		switch {
		case kind == protowire.BytesType && nested != nil:
			c.messages++
			inner, _ := protowire.ConsumeBytes(data)
			if err := c.count(inner, nested, depth+1); err != nil {
				return err
			}
		case kind == protowire.BytesType && field.IsList() && packable(field.Kind()):
			packed, _ := protowire.ConsumeBytes(data)
			count = packedLen(packed, field.Kind())
			c.scalars += count
		case field.IsList():
			c.scalars++
		}
		if at := limits.index(number); at >= 0 {
			if items == nil {
				items = make([]int, len(limits))
			}
			if items[at] += count; items[at] > limits[at].most {
				return errItems(field.Name(), limits[at].most)
			}
		}
		if c.messages > c.limit.messages {
			return c.limit.errMessages()
		}
		if c.scalars > c.limit.scalars {
			return c.limit.errScalars()
		}
		data = data[value:]
	}
	return nil
}

// packable reports whether a list of a kind may be encoded as a packed field.
func packable(kind protoreflect.Kind) bool {
	return kind != protoreflect.StringKind && kind != protoreflect.BytesKind && kind != protoreflect.MessageKind && kind != protoreflect.GroupKind
}

// packedLen returns the number of elements of a packed field.
func packedLen(packed []byte, kind protoreflect.Kind) (n int) {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return len(packed) / 4
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return len(packed) / 8
	}
	for _, b := range packed {
		if b < 0x80 { // the last byte of a varint
			n++
		}
	}
	return n
}
