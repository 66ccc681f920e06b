package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// checkLine returns a usageError that names the first argument or environment variable
// that is not UTF-8, which the parser would silently change. It quotes no value.
func checkLine(args, environ []string) error {
	for i, arg := range args {
		if utf8.ValidString(arg) {
			continue
		}
		name := fmt.Sprintf("argument %d", i+1)
		if flag, _, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(flag, "--") && utf8.ValidString(flag) {
			name = flag
		} else if i > 0 && strings.HasPrefix(args[i-1], "--") && !strings.Contains(args[i-1], "=") {
			name += ", after " + args[i-1] + ","
		}
		return notUTF8(name, arg)
	}
	for _, variable := range environ {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "BONGSU_") && !utf8.ValidString(value) {
			return notUTF8(name, value)
		}
	}
	return nil
}

func notUTF8(name, text string) error {
	return usagef("%s is not UTF-8 from byte %d on: use UTF-8, also in files and in the terminal", name, validBytes(text)+1)
}

// checkUTF8 returns a usageError that names the first field of a request that is not
// UTF-8. Such a request cannot be encoded, which is no error of the server. It quotes
// no value: the field may hold a secret.
func checkUTF8(request any) error {
	m, ok := request.(proto.Message)
	if !ok {
		return nil
	}
	if field, text := invalidUTF8(m.ProtoReflect()); field != "" {
		return notUTF8(field, text)
	}
	return nil
}

// invalidUTF8 returns the path and the text of the first string of a message that is
// not UTF-8.
func invalidUTF8(m protoreflect.Message) (path, text string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		name := string(f.Name())
		switch value := m.Get(f); {
		case f.IsList():
			list := value.List()
			for n := range list.Len() {
				if path, text := invalidIn(f, list.Get(n), fmt.Sprintf("%s[%d]", name, n)); path != "" {
					return path, text
				}
			}
		case f.IsMap():
			value.Map().Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
				if path, text = invalidIn(f.MapKey(), key.Value(), name); path == "" {
					path, text = invalidIn(f.MapValue(), v, name)
				}
				return path == ""
			})
			if path != "" {
				return path, text
			}
		default:
			if path, text := invalidIn(f, value, name); path != "" {
				return path, text
			}
		}
	}
	return "", ""
}

// invalidIn returns the same for one value of a field.
func invalidIn(f protoreflect.FieldDescriptor, value protoreflect.Value, name string) (path, text string) {
	switch f.Kind() {
	case protoreflect.StringKind:
		if text := value.String(); !utf8.ValidString(text) {
			return name, text
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if path, text := invalidUTF8(value.Message()); path != "" {
			return name + "." + path, text
		}
	}
	return "", ""
}

// validBytes returns the length of the prefix of a text that is UTF-8.
func validBytes(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}
