package edge

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/internal/acklink"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// An AckPage serves the pages of acknowledgment links. A GET shows the incident and a button,
// and changes nothing, so that programs that preview links acknowledge nothing; the POST of the
// button acknowledges the incident in the name of the recipient of the link. Its methods are safe
// for concurrent use.
type AckPage struct {
	Incidents AckIncidents
	Keys      func() acklink.Keys // the current keys
	Audit     *AuditRecorder      // nil records no calls
	Now       func() time.Time
	Log       *slog.Logger
}

// AckIncidents are the incidents that an AckPage shows and acknowledges, as IncidentService does.
type AckIncidents interface {
	GetIncident(context.Context, *incidentv1.GetIncidentRequest) (*incidentv1.GetIncidentResponse, error)
	AckIncident(context.Context, *incidentv1.AckIncidentRequest) (*incidentv1.AckIncidentResponse, error)
}

// maxTokenBytes bounds the token of a link: that of a nickname of 120 characters is shorter.
const maxTokenBytes = 1000

// IsSigned reports whether a request is for the page of a valid link: it needs no other
// credentials. One that has expired is valid, because its page says so.
func (p *AckPage) IsSigned(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.URL.Path, acklink.Path)
	if !ok {
		return false
	}
	_, err := p.claim(token)
	return err == nil || errors.Is(err, acklink.ErrExpired)
}

// claim returns the claim of a token.
func (p *AckPage) claim(token string) (acklink.Claim, error) {
	if len(token) > maxTokenBytes {
		return acklink.Claim{}, acklink.ErrInvalid
	}
	return p.Keys().Parse(token, p.Now())
}

// Handlers returns the handlers of the page, by pattern.
func (p *AckPage) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"GET " + acklink.Path + "{token}":  http.HandlerFunc(p.show),
		"POST " + acklink.Path + "{token}": http.HandlerFunc(p.acknowledge),
	}
}

// show shows the incident of a link, with the button while it can be acknowledged.
func (p *AckPage) show(w http.ResponseWriter, r *http.Request) {
	claim, err := p.claim(r.PathValue("token"))
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	res, err := p.Incidents.GetIncident(r.Context(), &incidentv1.GetIncidentRequest{Id: strconv.FormatInt(claim.Incident, 10)})
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	p.writeIncident(w, r, http.StatusOK, claim, res.GetIncident())
}

// ackProcedure is the method that the button calls, by which its calls are in the audit log.
const ackProcedure = incidentv1connect.IncidentServiceAckIncidentProcedure

// acknowledge acknowledges the incident of a link.
func (p *AckPage) acknowledge(w http.ResponseWriter, r *http.Request) {
	claim, err := p.claim(r.PathValue("token"))
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	ctx := auth.WithCaller(r.Context(), auth.Caller{ID: "link:" + claim.Nickname, Name: claim.Nickname, Nickname: claim.Nickname})
	req := &incidentv1.AckIncidentRequest{Id: strconv.FormatInt(claim.Incident, 10), By: claim.Nickname}
	res, err := p.Incidents.AckIncident(ctx, req)
	if p.Audit != nil {
		p.Audit.RecordCall(ctx, ackProcedure, req, res, err)
	}
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	p.writeIncident(w, r, http.StatusOK, claim, res.GetIncident())
}

//go:embed ack_page.html
var ackPageText string

// ackPageTemplate renders an ackView.
var ackPageTemplate = template.Must(template.New("ack_page").Parse(ackPageText))

// An ackView is the content of a page.
type ackView struct {
	Heading  string
	Error    string // in place of the incident; empty for none
	Severity string
	Title    string
	Message  string
	State    string
	Opened   string
	Nickname string
	Button   bool // whether the incident can be acknowledged
}

// writeIncident writes the page of an incident.
func (p *AckPage) writeIncident(w http.ResponseWriter, r *http.Request, status int, claim acklink.Claim, i *incidentv1.Incident) {
	v := ackView{
		Heading: "Incident", Severity: i.GetSeverity(), Title: i.GetTitle(), Message: i.GetMessage(),
		Opened: i.GetOpenTime().AsTime().UTC().Format(time.RFC1123), Nickname: claim.Nickname,
	}
	switch i.GetState() {
	case incidentv1.IncidentState_INCIDENT_STATE_ACKNOWLEDGED:
		v.State = "Acknowledged by " + i.GetAckBy() + " at " + i.GetAckTime().AsTime().UTC().Format(time.RFC1123)
	case incidentv1.IncidentState_INCIDENT_STATE_RESOLVED:
		v.State = "Resolved at " + i.GetResolveTime().AsTime().UTC().Format(time.RFC1123)
	default:
		v.State, v.Button = "Firing, not acknowledged", true
	}
	p.write(w, r, status, v)
}

// writeError writes the page of a request that failed.
func (p *AckPage) writeError(w http.ResponseWriter, r *http.Request, err error) {
	status, text := ackFailure(err)
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	case http.StatusInternalServerError:
		p.Log.ErrorContext(r.Context(), "acknowledgment page failed", "error", err)
	}
	p.write(w, r, status, ackView{Heading: "Not acknowledged", Error: text})
}

// ackFailure returns the status and the text for an error.
func ackFailure(err error) (status int, text string) {
	switch {
	case errors.Is(err, acklink.ErrExpired):
		return http.StatusGone, "This link has expired. Acknowledge the incident by the command line, or by the link of a newer message."
	case errors.Is(err, acklink.ErrInvalid):
		return http.StatusForbidden, "This link is not valid. Open it from the message again."
	}
	switch rpc.CodeOf(err) {
	case connect.CodeNotFound:
		return http.StatusNotFound, "The incident does not exist any more."
	case connect.CodeFailedPrecondition, connect.CodeAborted:
		return http.StatusConflict, "The incident is resolved: there is nothing to acknowledge."
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return http.StatusServiceUnavailable, "The incident cannot be reached now. Try again in a minute."
	}
	return http.StatusInternalServerError, "The request failed. Try again; the log of the edge says why."
}

// write writes a page. The page has no script, is not stored, and tells its address to no other
// site, because the address is a credential. Without a referrer at all, a browser that shows it
// without TLS would send the button's request with the Origin null, which is refused.
func (p *AckPage) write(w http.ResponseWriter, r *http.Request, status int, v ackView) {
	var page bytes.Buffer
	if err := ackPageTemplate.Execute(&page, v); err != nil {
		p.Log.ErrorContext(r.Context(), "acknowledgment page failed", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a write error means that the caller has gone
}
