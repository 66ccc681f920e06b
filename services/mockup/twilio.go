package mockup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// twilio accepts a message as Twilio's Messages API does: it queues it, and sends
// callbacks if the request has a StatusCallback (twilio_callback.go). It accepts every
// account and every token; Twilio's own magic numbers fail as Twilio documents
// (https://www.twilio.com/docs/iam/test-credentials).
func (m *Mockup) twilio(r *http.Request, body []byte) response {
	sid, token, ok := r.BasicAuth()
	if !ok || token == "" || sid != r.PathValue("sid") || !strings.HasPrefix(sid, "AC") {
		return twilioError(http.StatusUnauthorized, 20003)
	}
	if form, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); form != "application/x-www-form-urlencoded" {
		return twilioError(http.StatusUnsupportedMediaType, 20415)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(body) > maxBody {
		return twilioError(http.StatusBadRequest, 20001)
	}
	if code := twilioRefusal(form); code != 0 {
		return twilioError(http.StatusBadRequest, code)
	}
	// Twilio limits the concurrent calls of an account; the fake limits the calls a
	// second instead: https://www.twilio.com/docs/api/errors/20429.
	if wait := m.takeLimit("twilio "+sid, 100, 100); wait > 0 {
		return twilioError(http.StatusTooManyRequests, 20429)
	}
	message := fmt.Sprintf("SM%032x", m.uniqueMicros())
	if at := form.Get("StatusCallback"); at != "" {
		m.scheduleCallback(twilioCallbacks(at, sid, token, message, form))
	}
	segments := "0" // unknown yet, with a messaging service
	if form.Has("From") {
		segments = fmt.Sprint(segmentsOf(form.Get("Body")))
	}
	return twilioResponse(http.StatusCreated, map[string]any{
		"sid": message, "account_sid": sid, "api_version": "2010-04-01", "status": "queued",
		"to": form.Get("To"), "from": orNull(form.Get("From")), "messaging_service_sid": orNull(form.Get("MessagingServiceSid")),
		"body": form.Get("Body"), "num_segments": segments, "num_media": "0", "direction": "outbound-api",
		"error_code": nil, "error_message": nil, "price": nil, "price_unit": "USD",
		"date_created": m.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"uri":          "/2010-04-01/Accounts/" + sid + "/Messages/" + message + ".json",
	})
}

// twilioAccount returns an account: every one is active.
func (m *Mockup) twilioAccount(r *http.Request, _ []byte) response {
	asked, isJSON := strings.CutSuffix(r.PathValue("account"), ".json")
	sid, token, ok := r.BasicAuth()
	if !isJSON {
		return twilioError(http.StatusNotFound, 20404)
	}
	if !ok || token == "" || sid != asked {
		return twilioError(http.StatusUnauthorized, 20003)
	}
	return twilioResponse(http.StatusOK, map[string]any{"sid": sid, "status": "active", "type": "Full", "friendly_name": "mockup"})
}

// twilioFrom matches a number, a short code or a name.
var twilioFrom = regexp.MustCompile(`^(\+[1-9][0-9]{4,14}|[0-9]{3,8}|[0-9A-Za-z ]{1,11})$`)

// twilioMagic holds the errors of Twilio's magic numbers, as sender and recipient.
var twilioMagic = map[string]int{
	"from +15005550001": 21212, "from +15005550007": 21606, "from +15005550008": 21611,
	"to +15005550001": 21211, "to +15005550002": 21612, "to +15005550003": 21408, "to +15005550004": 21610, "to +15005550009": 21614,
}

// twilioRefusal returns Twilio's error code for an invalid message, or 0.
func twilioRefusal(form url.Values) int {
	from, service := form.Get("From"), form.Get("MessagingServiceSid")
	switch {
	case form.Get("To") == "":
		return 21604
	case from == "" && service == "":
		return 21603
	case service != "" && !strings.HasPrefix(service, "MG"):
		return 21705
	case service == "" && !twilioFrom.MatchString(from):
		return 21212
	case !phoneNumber.MatchString(form.Get("To")):
		return 21211
	case form.Get("Body") == "":
		return 21602
	case unitsOf(form.Get("Body")) > smsLimit:
		return 21617
	}
	return cmp.Or(twilioMagic["from "+from], twilioMagic["to "+form.Get("To")])
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// twilioMessages are Twilio's error texts.
var twilioMessages = map[int]string{
	20001: "Unknown parameters",
	20003: "Authenticate",
	20404: "The requested resource was not found",
	20415: "Unsupported Media Type",
	20429: "Too Many Requests",
	21211: "Invalid 'To' Phone Number",
	21212: "Invalid From Number (caller ID)",
	21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
	21602: "Message body is required.",
	21603: "A 'From' phone number is required.",
	21604: "A 'To' phone number is required.",
	21606: "The 'From' phone number provided is not a valid message-capable Twilio phone number for this destination.",
	21610: "Attempt to send to unsubscribed recipient",
	21611: "This 'From' number has exceeded the maximum number of queued messages",
	21612: "Message cannot be sent with the current combination of 'To' and/or 'From' parameters",
	21614: "'To' number is not a valid mobile number",
	21617: "The concatenated message body exceeds the 1600 character limit",
	21705: "The Messaging Service Sid is invalid.",
}

func twilioError(status, code int) response {
	return twilioResponse(status, map[string]any{
		"code": code, "message": twilioMessages[code], "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status,
	})
}

func twilioResponse(status int, fields map[string]any) response {
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return response{status: status, headers: map[string]string{"Content-Type": "application/json"}, body: string(body)}
}
