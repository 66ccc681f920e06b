package rpc

import "net/http"

const (
	// maxIntakeBytes limits a body of intake, decompressed: 10,000 alerts of Alertmanager with
	// their labels are below 16 MiB.
	maxIntakeBytes = 16 << 20
	// rawOverheadBytes bounds the size of a message beside its raw body: the Content-Type and
	// the variables of the path.
	rawOverheadBytes = 64 << 10
)

// A restRule holds the exceptions of one REST path.
type restRule struct {
	status   map[int]int // replaces the status of the code
	maxBytes int64       // of the body, decompressed; 0 means maxPublicBytes
	bodyType mediaTypes  // of a raw body; nil accepts any type
	legacy   bool        // one of the nine paths of the older service: see docs/rest.md
	refused  string      // an unknown field that is refused while others are ignored
}

func (r restRule) limit() int64 {
	if r.maxBytes > 0 {
		return r.maxBytes
	}
	return maxPublicBytes
}

// A created resource is 201, and a name that is taken is 400.
var (
	statusCreate = map[int]int{http.StatusOK: http.StatusCreated, http.StatusConflict: http.StatusBadRequest}
	statusRename = map[int]int{http.StatusConflict: http.StatusBadRequest}
	statusAdd    = map[int]int{http.StatusOK: http.StatusCreated}
)

// restRules maps HTTP method and google.api.http template to the rule of a path.
var restRules = map[string]restRule{
	"GET /v1/groups":                               {legacy: true},
	"GET /v1/groups/{id}":                          {legacy: true},
	"POST /v1/groups":                              {legacy: true, status: statusCreate, refused: "id"},
	"PUT /v1/groups/{id}":                          {legacy: true, status: statusRename},
	"DELETE /v1/groups/{id}":                       {legacy: true},
	"GET /v1/groups/{id}/users":                    {legacy: true},
	"POST /v1/groups/{id}/users":                   {legacy: true, status: statusAdd},
	"DELETE /v1/groups/{id}/users/{nick_name}":     {legacy: true},
	"POST /v1/alerts":                              {legacy: true},
	"POST /v1/users":                               {status: statusCreate},
	"PUT /v1/users/{nick_name}":                    {status: statusRename},
	"POST /v1/users/{nick_name}/addresses":         {status: statusCreate},
	"PUT /v1/users/{nick_name}/addresses/{id}":     {status: statusRename},
	"POST /v1/intake/{source}":                     {maxBytes: maxIntakeBytes, bodyType: acceptIntakeTypes},
	"POST /v1/callbacks/{messenger}/{delivery_id}": {bodyType: acceptForm},
}

// restStatus returns the HTTP status for the status of a code. The older service had no
// 503: its paths keep 500.
func (r restRule) restStatus(status int) int {
	if other, ok := r.status[status]; ok {
		return other
	}
	switch {
	case status == http.StatusServiceUnavailable && !r.legacy:
		return http.StatusServiceUnavailable
	case status == http.StatusGatewayTimeout:
		return http.StatusRequestTimeout // the caller's own deadline has passed
	case status > http.StatusInternalServerError, status == statusClientClosed:
		return http.StatusInternalServerError
	}
	return status
}

// statusClientClosed is the status of Connect's code canceled.
const statusClientClosed = 499
