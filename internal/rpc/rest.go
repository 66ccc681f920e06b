package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// restRules holds where REST answers another status than the code says: what was
// made is 201, a name that is taken is 400, as the contract wants.
var restRules = []struct {
	pattern string
	status  map[int]int
	any     bool // the body may be of any type, and is what it is
}{
	{pattern: "POST /v1/groups", status: map[int]int{http.StatusOK: http.StatusCreated, http.StatusConflict: http.StatusBadRequest}},
	{pattern: "PUT /v1/groups/{id}", status: map[int]int{http.StatusConflict: http.StatusBadRequest}},
	{pattern: "POST /v1/groups/{id}/users", status: map[int]int{http.StatusOK: http.StatusCreated}},
	{pattern: "POST /v1/users", status: map[int]int{http.StatusOK: http.StatusCreated, http.StatusConflict: http.StatusBadRequest}},
	{pattern: "PUT /v1/users/{nick_name}", status: map[int]int{http.StatusConflict: http.StatusBadRequest}},
	{pattern: "POST /v1/users/{nick_name}/addresses", status: map[int]int{http.StatusOK: http.StatusCreated, http.StatusConflict: http.StatusBadRequest}},
	{pattern: "PUT /v1/users/{nick_name}/addresses/{id}", status: map[int]int{http.StatusConflict: http.StatusBadRequest}},
	{pattern: "POST /v1/intake/", any: true},
	{pattern: "POST /v1/callbacks/", any: true},
	{pattern: "/v1/"},
}

// mountREST serves the google.api.http paths of services, all below /v1/.
func mountREST(mux *http.ServeMux, services []Service) error {
	var transcoded []*vanguard.Service
	for _, s := range services {
		if s.REST {
			if err := answersWhole(s.Name()); err != nil {
				return fmt.Errorf("serve REST: %w", err)
			}
			transcoded = append(transcoded, vanguard.NewService(s.Path, s.Handler))
		}
	}
	if len(transcoded) == 0 {
		return nil
	}
	transcoder, err := vanguard.NewTranscoder(transcoded,
		vanguard.WithCodec(newRESTCodec),
		vanguard.WithDefaultServiceOptions(
			vanguard.WithTargetProtocols(vanguard.ProtocolConnect),
			vanguard.WithTargetCodecs(vanguard.CodecProto),
			vanguard.WithNoTargetCompression(),
			vanguard.WithRESTUnmarshalOptions(vanguard.RESTUnmarshalOptions{DiscardUnknownQueryParams: true}),
		),
	)
	if err != nil {
		return fmt.Errorf("serve REST: %w", err)
	}
	for _, rule := range restRules {
		mux.Handle(rule.pattern, restHandler{transcoder, rule.status, rule.any})
	}
	return nil
}

// answersWhole fails where a method of a service with a REST path streams.
func answersWhole(service string) error {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return err
	}
	methods := found.(protoreflect.ServiceDescriptor).Methods() //nolint:forcetypeassert // it bears the name of a service
	for i := range methods.Len() {
		m := methods.Get(i)
		if proto.HasExtension(m.Options(), annotations.E_Http) && (m.IsStreamingServer() || m.IsStreamingClient()) {
			return fmt.Errorf("%s streams, and has a REST path: REST answers go out whole", m.FullName())
		}
	}
	return nil
}

// maxQueryBytes bounds the query of a REST request: filters and a page token.
const maxQueryBytes = 4 << 10

// A restHandler refuses what is no JSON, and answers by the contract's statuses.
type restHandler struct {
	transcoder http.Handler
	status     map[int]int
	any        bool
}

func (h restHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &restWriter{ResponseWriter: w, status: h.status}
	if len(r.URL.RawQuery) > maxQueryBytes { // errors quote it
		refuse(w, http.StatusBadRequest, connect.CodeInvalidArgument, fmt.Sprintf("the query is longer than %d bytes", maxQueryBytes))
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodDelete:
		r = withoutBody(r) // one that is sent is ignored
	default:
		if err := acceptable(r); err != nil && !h.any {
			refuse(w, http.StatusUnsupportedMediaType, connect.CodeInvalidArgument, err.Error())
			return
		}
		if r.ContentLength > maxPublicBytes {
			refuse(w, http.StatusRequestEntityTooLarge, connect.CodeResourceExhausted, fmt.Sprintf("the body is larger than %d bytes", maxPublicBytes))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxPublicBytes)
	}
	h.transcoder.ServeHTTP(w, r)
}

// refuse answers as every REST error is answered: a google.rpc.Status.
func refuse(w http.ResponseWriter, status int, code connect.Code, message string) {
	body, _ := json.Marshal(map[string]any{"code": code, "message": message, "details": []any{}}) // it always marshals
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that left needs no answer
}

// acceptable says whether the body is JSON, by its Content-Type. No body is as good
// as an empty one: the rules of the message say what is missing.
func acceptable(r *http.Request) error {
	if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return errors.New("send the body as Content-Type: application/json")
	}
	return nil
}

// withoutBody gives r as if it had come without a body.
func withoutBody(r *http.Request) *http.Request {
	bare := r.Clone(r.Context())
	bare.Body, bare.ContentLength, bare.TransferEncoding = http.NoBody, 0, nil
	bare.Header.Del("Content-Type")
	bare.Header.Del("Content-Length")
	bare.Header.Del("Content-Encoding")
	return bare
}

// A restWriter changes statuses on their way out.
type restWriter struct {
	http.ResponseWriter
	status map[int]int
}

// WriteHeader writes the status that the contract has for it: what is neither
// success nor the caller's fault is 500.
func (w *restWriter) WriteHeader(status int) {
	if other, ok := w.status[status]; ok {
		status = other
	}
	if status > http.StatusInternalServerError {
		status = http.StatusInternalServerError
	}
	w.ResponseWriter.WriteHeader(status)
}

// Flush does nothing: an answer goes out whole, with its length and in one write, which
// the transcoder would flush before its end.
func (w *restWriter) Flush() {}

// Unwrap lets http.ResponseController find what w wraps.
func (w *restWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
