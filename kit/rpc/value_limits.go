package rpc

import (
	"math"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxDepth is the maximum nesting of the messages of a request, or of its JSON.
const maxDepth = 64

// A sizeLimit limits the number of values of a request. A limit of its bytes alone does not
// bound its memory: an empty message is two bytes on the wire, next to none in gzip, and a
// hundred in memory.
type sizeLimit struct {
	messages int
	scalars  int // elements of repeated fields that are not messages
}

// The limits by kind of service. A public request has about 1,000 values at most. 10,000
// messages between services with three parts each are 40,000; a data set of 100,000 messages
// with two parts each is 300,000.
var (
	publicLimit   = sizeLimit{messages: 25_000, scalars: 100_000}
	internalLimit = sizeLimit{messages: 250_000, scalars: 1_000_000}
	bulkLimit     = sizeLimit{messages: 500_000, scalars: 2_000_000}
)

// errMessages and errScalars return the errors of requests beyond a sizeLimit.
func (l sizeLimit) errMessages() error {
	return fault.WithReason(fault.Invalidf("request has more than %d objects: split it", l.messages), reasonTooLarge)
}

func (l sizeLimit) errScalars() error {
	return fault.WithReason(fault.Invalidf("request has more than %d values in lists: split it", l.scalars), reasonTooLarge)
}

var errDepth = fault.WithReason(fault.Invalidf("request is nested deeper than %d levels", maxDepth), reasonMalformed)

// errItems returns the error of a list that exceeds the limit of its field.
func errItems(field protoreflect.Name, most int) error {
	return fault.InvalidField(string(field), "must have at most %d items", most)
}

// itemLimits are the max_items of the repeated fields of a message. There are few.
type itemLimits []itemLimit

type itemLimit struct {
	field protoreflect.FieldNumber
	most  int
}

// index returns the index of the limit of a field, and -1 if it has none.
func (ls itemLimits) index(field protoreflect.FieldNumber) int {
	for i, l := range ls {
		if l.field == field {
			return i
		}
	}
	return -1
}

var knownItemLimits descriptorCache[itemLimits]

// itemLimitsOf returns the max_items and max_pairs of buf.validate for the fields of a
// message.
func itemLimitsOf(message protoreflect.MessageDescriptor) itemLimits {
	return knownItemLimits.get(message, newItemLimitsOf)
}

func newItemLimitsOf(message protoreflect.MessageDescriptor) itemLimits {
	var limits itemLimits
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		rules, ok := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
		switch {
		case !ok || !field.IsList() && !field.IsMap():
		case rules.GetRepeated().HasMaxItems():
			limits = append(limits, itemLimit{field.Number(), int(min(rules.GetRepeated().GetMaxItems(), math.MaxInt32))})
		case rules.GetMap().HasMaxPairs():
			limits = append(limits, itemLimit{field.Number(), int(min(rules.GetMap().GetMaxPairs(), math.MaxInt32))})
		}
	}
	return limits
}

// An itemCheck is a field of a message whose items are counted, or that contains one.
type itemCheck struct {
	field  protoreflect.FieldDescriptor
	most   int  // items; 0 if the field has no limit
	within bool // its messages have checks of their own
}

var knownItemChecks descriptorCache[[]itemCheck]

// itemChecksOf returns the checks of a message: most messages have none or few.
func itemChecksOf(message protoreflect.MessageDescriptor) []itemCheck {
	return knownItemChecks.get(message, newItemChecksOf)
}

func newItemChecksOf(message protoreflect.MessageDescriptor) []itemCheck {
	var checks []itemCheck
	limits, fields := itemLimitsOf(message), message.Fields()
	for i := range fields.Len() {
		c := itemCheck{field: fields.Get(i)}
		if at := limits.index(c.field.Number()); at >= 0 {
			c.most = limits[at].most
		}
		inner := c.field.Message()
		if c.field.IsMap() {
			inner = c.field.MapValue().Message()
		}
		c.within = inner != nil && leadsToLimit(inner, map[protoreflect.FullName]bool{})
		if c.most > 0 || c.within {
			checks = append(checks, c)
		}
	}
	return checks
}

// leadsToLimit reports whether a message, or one within it, has a list with a limit.
func leadsToLimit(message protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[message.FullName()] {
		return false
	}
	seen[message.FullName()] = true
	if len(itemLimitsOf(message)) > 0 {
		return true
	}
	fields := message.Fields()
	for i := range fields.Len() {
		inner := fields.Get(i).Message() // for a map: its entry
		if inner != nil && leadsToLimit(inner, seen) {
			return true
		}
	}
	return false
}

// checkItems returns an error if a list within m exceeds the limit of its field. It is much
// cheaper than the validation, which checks each element first, and visits only fields that
// can contain such a list.
func checkItems(m protoreflect.Message) error {
	for _, c := range itemChecksOf(m.Descriptor()) {
		if !m.Has(c.field) {
			continue
		}
		if err := c.check(m.Get(c.field)); err != nil {
			return err
		}
	}
	return nil
}

func (c itemCheck) check(value protoreflect.Value) (err error) {
	switch {
	case c.field.IsMap():
		if c.most > 0 && value.Map().Len() > c.most {
			return errItems(c.field.Name(), c.most)
		}
		if c.within {
			value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				err = checkItems(v.Message())
				return err == nil
			})
		}
	case c.field.IsList():
		list := value.List()
		if c.most > 0 && list.Len() > c.most {
			return errItems(c.field.Name(), c.most)
		}
		for i := 0; c.within && err == nil && i < list.Len(); i++ {
			err = checkItems(list.Get(i).Message())
		}
	default:
		err = checkItems(value.Message())
	}
	return err
}
