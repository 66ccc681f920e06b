package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bongsu-project/bongsu/kit/config"
)

// durationName is the name of the message of a duration, which is written as a text such as 1h30m.
const durationName protoreflect.FullName = "google.protobuf.Duration"

// isText reports whether a value of a field is written as one text, as durations are.
func isText(field protoreflect.FieldDescriptor) bool {
	return field.Message() == nil || field.Message().FullName() == durationName
}

// parseFieldText parses a value of a field: a text, a number, true or false, a duration such as 90s
// or 1d12h, or a word of an enum such as oldest_due. The error quotes no value, which may be a
// secret.
func parseFieldText(field protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), nil
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return protoreflect.Value{}, errors.New("not true or false")
		}
		return protoreflect.ValueOfBool(text == "true"), nil
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return protoreflect.Value{}, errors.New("not a whole number")
		}
		return protoreflect.ValueOfInt32(int32(n)), nil
	case protoreflect.Int64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return protoreflect.Value{}, errors.New("not a whole number")
		}
		return protoreflect.ValueOfInt64(n), nil
	case protoreflect.DoubleKind:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return protoreflect.Value{}, errors.New("not a number")
		}
		return protoreflect.ValueOfFloat64(n), nil
	case protoreflect.EnumKind:
		return parseEnumWord(field.Enum(), text)
	}
	if !isText(field) {
		return protoreflect.Value{}, errors.New("it has fields of its own")
	}
	d, err := config.ParseDays(text)
	if err != nil {
		return protoreflect.Value{}, errors.New("not a duration such as 90s or 1d12h")
	}
	return protoreflect.ValueOfMessage(durationpb.New(d).ProtoReflect()), nil
}

// formatFieldText returns a value of a field as parseFieldText parses it.
func formatFieldText(field protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch {
	case field.Kind() == protoreflect.EnumKind:
		return enumText(field.Enum(), v.Enum())
	case field.Kind() == protoreflect.DoubleKind:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case field.Message() != nil:
		if d, ok := v.Message().Interface().(*durationpb.Duration); ok {
			return durationText(d.AsDuration())
		}
	}
	return fmt.Sprint(v.Interface())
}

// durationText returns a duration without the units that are zero: 1h, 30d, 1m30s.
func durationText(d time.Duration) string {
	const day = 24 * time.Hour
	if d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// enumPrefix returns the prefix of the values of an enum, of which the first is X_UNSPECIFIED.
func enumPrefix(enum protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(enum.Values().Get(0).Name()), "UNSPECIFIED")
}

// enumWords returns the words of an enum, without that of the unspecified value.
func enumWords(enum protoreflect.EnumDescriptor) []string {
	var words []string
	for i := 1; i < enum.Values().Len(); i++ {
		words = append(words, enumText(enum, enum.Values().Get(i).Number()))
	}
	return words
}

// enumText returns a value of an enum in lower case, without its prefix.
func enumText(enum protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	value := enum.Values().ByNumber(n)
	if value == nil {
		return strconv.Itoa(int(n))
	}
	return strings.ToLower(strings.TrimPrefix(string(value.Name()), enumPrefix(enum)))
}

// parseEnumWord parses a word of an enum, with - or _ between its parts, or the whole name of its
// value.
func parseEnumWord(enum protoreflect.EnumDescriptor, text string) (protoreflect.Value, error) {
	name := strings.ReplaceAll(strings.ToUpper(text), "-", "_")
	value := enum.Values().ByName(protoreflect.Name(name))
	if value == nil {
		value = enum.Values().ByName(protoreflect.Name(enumPrefix(enum) + name))
	}
	if value == nil || value.Number() == 0 {
		return protoreflect.Value{}, fmt.Errorf("not one of %s", strings.Join(enumWords(enum), ", "))
	}
	return protoreflect.ValueOfEnum(value.Number()), nil
}

// findField returns the field with a name, as in Protobuf (body_pattern) or in JSON (bodyPattern).
func findField(m protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := m.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return m.Fields().ByJSONName(name)
}

// setFieldText sets a field to a text; the values of a list are separated by commas. An empty
// text clears the field.
func setFieldText(m proto.Message, field protoreflect.FieldDescriptor, text string) error {
	r := m.ProtoReflect()
	if text == "" {
		r.Clear(field)
		return nil
	}
	if !field.IsList() {
		v, err := parseFieldText(field, text)
		if err == nil {
			r.Set(field, v)
		}
		return err
	}
	list := r.NewField(field).List()
	for _, item := range strings.Split(text, ",") {
		v, err := parseFieldText(field, strings.TrimSpace(item))
		if err != nil {
			return err
		}
		list.Append(v)
	}
	r.Set(field, protoreflect.ValueOfList(list))
	return nil
}

// fieldNames returns the names of the fields of a message that are written as texts, or lists of
// them, in their order, without those that are left out.
func fieldNames(m protoreflect.MessageDescriptor, leftOut ...string) []string {
	var names []string
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		if isText(field) && !slices.Contains(leftOut, string(field.Name())) {
			names = append(names, string(field.Name()))
		}
	}
	return names
}
