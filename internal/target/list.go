package target

// A List is the targets of a request: parsed once, and with the texts that were parsed, for
// services that parse them again and for responses.
type List struct {
	Texts   []string // as the caller wrote them
	Targets []Target // those of Texts, in order
}

// ParseList parses the targets of a request. It returns the error of the first malformed
// one. The list keeps texts, which must not change.
func ParseList(texts []string) (List, error) {
	targets, err := ParseAll(texts)
	if err != nil {
		return List{}, err
	}
	return List{Texts: texts, Targets: targets}, nil
}

// AsWritten returns the texts of some targets of the list, in the form of their first text,
// which need not be the canonical one. It returns nil for no targets.
func (l List) AsWritten(targets []Target) []string {
	if len(targets) == 0 {
		return nil
	}
	written := make(map[Target]string, len(l.Targets))
	for i, t := range l.Targets {
		if _, ok := written[t]; !ok {
			written[t] = l.Texts[i]
		}
	}
	texts := make([]string, len(targets))
	for i, t := range targets {
		texts[i] = written[t]
	}
	return texts
}
