package httpx

import (
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// A Template describes a messenger: what an address needs, the request, and the meaning
// of the response. It is a preset, or an operator's, in YAML.
type Template struct {
	Title string `yaml:"title"` // display name
	// Params are the values that the credential of an address holds. A single one is the
	// whole credential; several are a JSON object.
	Params      []Param     `yaml:"params"`
	Destination Destination `yaml:"destination"`
	Costly      bool        `yaml:"costly"`     // as messenger.Spec
	Idempotent  bool        `yaml:"idempotent"` // as messenger.Spec
	Request     `yaml:",inline"`
}

// A Named is a template with the name of its messenger.
type Named struct {
	Name string // as messenger.Spec
	Template
	limits messenger.Limits
}

// A Param is a value of a credential.
type Param struct {
	Name string `yaml:"name"` // in templates .Param.NAME: a lower-case letter, then letters, digits and _
	Hint string `yaml:"hint"` // its form, and where to find it
	// URL marks a URL. The URL of the request may begin with it.
	URL bool `yaml:"url"`
	// Public marks a value that evidence may show. All others are redacted.
	Public  bool   `yaml:"public"`
	Pattern string `yaml:"pattern"` // regular expression of the whole value; empty accepts any
}

// A Destination describes the destination of an address.
type Destination struct {
	Label    string `yaml:"label"`
	Hint     string `yaml:"hint"`
	Required bool   `yaml:"required"` // false: a label for people, unless the request has .Destination
	Pattern  string `yaml:"pattern"`  // regular expression of the whole value; empty accepts any
}

// A Request describes a request and its response. URL, the values of Headers, Body, and
// the texts of Sign are templates of kit/texttemplate over a requestData.
type Request struct {
	Method  string            `yaml:"method" json:"method"` // GET, POST, PUT or PATCH; POST by default
	URL     string            `yaml:"url" json:"url"`       // scheme and host are literal, or from a Param that is a URL
	Headers map[string]string `yaml:"headers" json:"headers"`
	Body    string            `yaml:"body" json:"body"` // JSON, unless the header Content-Type is another
	Sign    *Sign             `yaml:"sign" json:"sign"`
	Text    Text              `yaml:"text" json:"text"`

	Success  Success   `yaml:"success" json:"success"`
	Failures []Failure `yaml:"failures" json:"failures"` // the first that matches decides
	Code     string    `yaml:"code" json:"code"`         // JSON path of the provider's error code
}

// A Sign is an HMAC-SHA256, which headers insert as .Signature.
type Sign struct {
	Key      string `yaml:"key" json:"key"`
	Text     string `yaml:"text" json:"text"`
	Encoding string `yaml:"encoding" json:"encoding"` // base64 or hex; base64 by default
}

// Text describes the texts of the alert in the templates.
type Text struct {
	Limit  int    `yaml:"limit" json:"limit"`   // length to which a text is cut; 4000 by default
	Unit   string `yaml:"unit" json:"unit"`     // characters or bytes; characters by default
	Escape string `yaml:"escape" json:"escape"` // ASCII characters that get a backslash, except in URLs
}

// Success describes the response to an accepted message. The zero value accepts every
// 2xx.
type Success struct {
	Status []int `yaml:"status" json:"status"` // empty: every 2xx
	// Body is the whole body, apart from white space around it; empty accepts any.
	Body string `yaml:"body" json:"body"`
	// Path is the JSON path of a value that confirms the message. A response without it
	// confirms nothing; one with another value refuses the message.
	Path   string `yaml:"path" json:"path"`
	Equals string `yaml:"equals" json:"equals"` // the value at Path; empty: any that is not empty, false, null or 0
	ID     string `yaml:"id" json:"id"`         // JSON path of the provider's message id
}

// A Failure describes responses that mean the same.
type Failure struct {
	Status []int    `yaml:"status" json:"status"` // empty: any
	Path   string   `yaml:"path" json:"path"`     // JSON path of a value; empty: any body
	Equals []string `yaml:"equals" json:"equals"` // one of these is the value at Path; empty: any value
	// Means is retry, pause, message, destination, credential, or unknown: the messenger
	// of the kind Failed has the scope message, destination or credential.
	Means string `yaml:"means" json:"means"`
}

// maxLimits bounds the parts of a template.
const (
	maxParams   = 20
	maxHeaders  = 20
	maxFailures = 50
)

// perCredential returns the limits of a provider that limits credentials only.
func perCredential(r ratelimit.Rate) messenger.Limits { return messenger.Limits{Credential: r} }
