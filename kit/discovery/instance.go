package discovery

import (
	"cmp"
	"crypto/rand"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// The limits of an instance. Lengths are in bytes.
const (
	maxIDLength     = 128
	maxNameLength   = 63
	maxURLLength    = 512
	maxServices     = 256
	maxTextLength   = 255 // of a service, a version, a reason and a host
	idRandomLength  = 10  // of 5 bits each
	maxIDHostLength = maxIDLength - maxNameLength - idRandomLength - 2
)

var (
	// idPattern has the characters that are a token of a NATS subject and a key of a bucket.
	idPattern      = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	namePattern    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	servicePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	notInID        = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
)

// NewID returns a new id for an instance on a machine: the host, a random part, and the name
// of the instance.
func NewID(host, name string) string {
	clean := func(text string, length int) string {
		text = notInID.ReplaceAllString(text, "-")
		return strings.Trim(text[:min(len(text), length)], "-")
	}
	random := strings.ToLower(rand.Text()[:idRandomLength])
	return strings.TrimPrefix(clean(host, maxIDHostLength)+"-"+random+"-"+clean(name, maxNameLength), "-")
}

// Validate returns a fault.ErrInvalid that names the field that a registry does not accept.
// ids have 1 to 128 letters, digits, "-" and "_"; names 1 to 63 lower-case letters, digits and
// "-". The URL is that of a host, by http or https, without user, path and query. Services are
// at most 256 full names of Protobuf services.
func (i Instance) Validate() error {
	switch {
	case len(i.ID) > maxIDLength || !idPattern.MatchString(i.ID):
		return fault.InvalidField("instance.id", `want 1 to 128 letters, digits, "-" and "_"`)
	case len(i.Name) > maxNameLength || !namePattern.MatchString(i.Name):
		return fault.InvalidField("instance.name", `want 1 to 63 lower-case letters, digits and "-"`)
	case !isBaseURL(i.URL):
		return fault.InvalidField("instance.url", "want http or https, a host and a port, such as http://10.0.0.7:18082")
	case len(i.Services) > maxServices:
		return fault.InvalidField("instance.services", "want at most 256")
	case i.State < Serving || i.State > Failing:
		return fault.InvalidField("instance.state", "want serving, draining or failing")
	}
	for _, service := range i.Services {
		if len(service) > maxTextLength || !servicePattern.MatchString(service) {
			return fault.InvalidField("instance.services", "want full names of Protobuf services, such as library.v1.BookService")
		}
	}
	for _, field := range []struct{ name, text string }{{"version", i.Version}, {"reason", i.Reason}, {"host", i.Host}} {
		if !isPlainText(field.text) {
			return fault.InvalidField("instance."+field.name, "want at most 255 bytes of printable text")
		}
	}
	return nil
}

// isBaseURL reports whether a text is the URL of a host, without a slash at the end. It does
// not accept a URL with a password: instances are shown to whoever may list them.
func isBaseURL(text string) bool {
	if len(text) > maxURLLength {
		return false
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" {
		return false
	}
	if port := parsed.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return false
		}
	}
	return text == parsed.Scheme+"://"+parsed.Host
}

func isPlainText(text string) bool {
	return len(text) <= maxTextLength && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// cleanReason returns a reason as Validate accepts it.
func cleanReason(reason string) string {
	reason = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(reason, "?"))
	for len(reason) > maxTextLength {
		_, size := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-size]
	}
	return reason
}

// normalized returns an instance that shares no memory with i, with a reason that fits and
// sorted services, or the error of Validate.
func (i Instance) normalized() (Instance, error) {
	i.Reason = cleanReason(i.Reason)
	if i.State == Serving {
		i.Reason = ""
	}
	i.Services = slices.Clone(i.Services)
	slices.Sort(i.Services)
	i.Services = slices.Compact(i.Services)
	return i, i.Validate()
}

func (i Instance) equal(other Instance) bool {
	return i.ID == other.ID && i.Name == other.Name && i.URL == other.URL && slices.Equal(i.Services, other.Services) &&
		i.Version == other.Version && i.State == other.State && i.Reason == other.Reason &&
		i.Start.Equal(other.Start) && i.Host == other.Host
}

// changed returns i after a change of its state.
func (i Instance) changed(to StateChange) (Instance, error) {
	i.State, i.Reason = to.State, to.Reason
	return i.normalized()
}

func byID(a, b Instance) int { return cmp.Compare(a.ID, b.ID) }
