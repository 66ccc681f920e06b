package httpx

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// rules returns a sample whose credential has these rules.
func rules(t *testing.T, success map[string]any, code string, failures ...map[string]any) messengertest.Sample {
	t.Helper()
	s := inlineSample(t)
	s.Message.Credential = inlineCredential(t, func(r map[string]any) { r["success"], r["failures"], r["code"] = success, failures, code })
	return s
}

func failed(scope messenger.Scope, code string) messenger.Outcome {
	return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
}

func sent(id string) messenger.Outcome {
	return messenger.Outcome{Kind: messenger.Sent, MessageID: id}
}

func unknown(code string) messenger.Outcome {
	return messenger.Outcome{Kind: messenger.Unknown, Code: code}
}

// TestStatusAlone has no rule: every 2xx is a success.
func TestStatusAlone(t *testing.T) {
	messengertest.CheckOutcomes(t, rules(t, nil, ""), []messengertest.Response{
		{200, nil, "anything", sent("")},
		{202, nil, `{"success":false}`, sent("")},
		{204, nil, "", sent("")},
		{400, nil, `{"error":"x"}`, failed(messenger.MessageScope, "http_400")},
		{401, nil, "", failed(messenger.CredentialScope, "http_401")},
		{403, nil, "", failed(messenger.CredentialScope, "http_403")},
		{404, nil, "", failed(messenger.DestinationScope, "http_404")},
		{410, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "http_410", Gone: true}},
		{301, nil, "", failed(messenger.MessageScope, "redirect")},
		{429, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
		{503, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_503", RetryAfter: messengertest.Later}},
		{408, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_408"}},
	})
}

func TestSuccessByStatus(t *testing.T) {
	messengertest.CheckOutcomes(t, rules(t, map[string]any{"status": []int{201, 202}}, ""), []messengertest.Response{
		{201, nil, "", sent("")},
		{202, nil, "", sent("")},
		{200, nil, "", unknown("unreadable_answer")},
		{204, nil, "", unknown("unreadable_answer")},
		{400, nil, "", failed(messenger.MessageScope, "http_400")},
	})
}

func TestSuccessByBody(t *testing.T) {
	messengertest.CheckOutcomes(t, rules(t, map[string]any{"body": "OK"}, ""), []messengertest.Response{
		{200, nil, "OK", sent("")},
		{200, nil, " OK\r\n", sent("")},
		{200, nil, "ok", unknown("unreadable_answer")},
		{200, nil, "OK, but", unknown("unreadable_answer")},
		{200, nil, "", unknown("unreadable_answer")},
		{500, nil, "OK", messenger.Outcome{Kind: messenger.Retry, Code: "http_500"}},
	})
}

// TestSuccessByPath needs a value: another refuses the message, and none confirms nothing.
func TestSuccessByPath(t *testing.T) {
	messengertest.CheckOutcomes(t, rules(t, map[string]any{"path": "$.result[0]['ok']", "equals": "1", "id": "$.id"}, "$.error.code"), []messengertest.Response{
		{200, nil, `{"result":[{"ok":1}],"id":12345678901234567890}`, sent("12345678901234567890")},
		{200, nil, `{"result":[{"ok":"1"}]}`, sent("")},
		{200, nil, `{"result":[{"ok":1.0}]}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{"result":[{"ok":0}],"error":{"code":17}}`, failed(messenger.MessageScope, "17")},
		{200, nil, `{"result":[{"ok":null}],"error":{"code":null}}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{"result":[{"ok":2}],"error":{"code":"a long sentence"}}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{"result":[]}`, unknown("unreadable_answer")},
		{200, nil, `{"error":{"code":17}}`, unknown("unreadable_answer")},
		{200, nil, `{"result":{"ok":1}}`, unknown("unreadable_answer")},
		{200, nil, `{"result":[{"ok":1}]} x`, unknown("unreadable_answer")},
		{200, nil, `{"result":[{"ok":1}]}{}`, unknown("unreadable_answer")},
		{200, nil, `<html>`, unknown("unreadable_answer")},
		{200, nil, ``, unknown("unreadable_answer")},
		{400, nil, `{"result":[{"ok":1}],"error":{"code":"BAD"}}`, failed(messenger.MessageScope, "BAD")},
		{429, messengertest.RetryLater, `{"result":[{"ok":1}],"error":{"code":"BAD"}}`, messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
		{302, nil, `{"error":{"code":"BAD"}}`, failed(messenger.MessageScope, "redirect")},
	})
	messengertest.CheckOutcomes(t, rules(t, map[string]any{"path": "$.ok"}, ""), []messengertest.Response{
		{200, nil, `{"ok":true}`, sent("")},
		{200, nil, `{"ok":"yes"}`, sent("")},
		{200, nil, `{"ok":{}}`, sent("")},
		{200, nil, `{"ok":false}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{"ok":0}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{"ok":""}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{"ok":null}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{}`, unknown("unreadable_answer")},
	})
}

// TestFailures has each meaning; the first rule that matches decides.
func TestFailures(t *testing.T) {
	s := rules(t, map[string]any{"path": "$.ok"}, "$.code",
		map[string]any{"path": "$.code", "equals": []string{"busy", "7"}, "means": "retry"},
		map[string]any{"path": "$.code", "equals": []string{"slow"}, "means": "pause"},
		map[string]any{"path": "$.code", "equals": []string{"number"}, "means": "destination"},
		map[string]any{"path": "$.code", "equals": []string{"key"}, "means": "credential"},
		map[string]any{"path": "$.code", "equals": []string{"text"}, "means": "message"},
		map[string]any{"path": "$.code", "equals": []string{"perhaps"}, "means": "unknown"},
		map[string]any{"status": []int{403, 500}, "path": "$.locked", "means": "destination"},
		map[string]any{"status": []int{402}, "means": "credential"},
		map[string]any{"path": "$.code", "equals": []string{"busy"}, "means": "credential"},
	)
	messengertest.CheckOutcomes(t, s, []messengertest.Response{
		{200, nil, `{"code":"busy"}`, messenger.Outcome{Kind: messenger.Retry, Code: "busy"}},
		{400, messengertest.RetryLater, `{"code":7}`, messenger.Outcome{Kind: messenger.Retry, Code: "7", RetryAfter: messengertest.Later}},
		{200, messengertest.RetryLater, `{"code":"slow"}`, messenger.Outcome{Kind: messenger.Paused, Code: "slow", RetryAfter: messengertest.Later}},
		{200, nil, `{"ok":true,"code":"number"}`, failed(messenger.DestinationScope, "number")},
		{400, nil, `{"code":"key"}`, failed(messenger.CredentialScope, "key")},
		{401, nil, `{"code":"text"}`, failed(messenger.MessageScope, "text")},
		{500, nil, `{"code":"perhaps"}`, unknown("perhaps")},
		{403, nil, `{"locked":false}`, failed(messenger.DestinationScope, "http_403")},
		{500, nil, `{"locked":false}`, failed(messenger.DestinationScope, "http_500")},
		{200, nil, `{"locked":true,"ok":true}`, sent("")},
		{403, nil, `{}`, failed(messenger.CredentialScope, "http_403")},
		{402, nil, ``, failed(messenger.CredentialScope, "http_402")},
		{429, nil, `{"code":"key"}`, messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{200, nil, `{"ok":true,"code":"other"}`, sent("")},
		{200, nil, `{"ok":true}`, sent("")},
	})
	quiet := rules(t, nil, "", map[string]any{"status": []int{200}, "path": "$.error", "means": "message"})
	messengertest.CheckOutcomes(t, quiet, []messengertest.Response{
		{200, nil, `{"error":"no such room"}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{}`, sent("")},
		{201, nil, `{"error":"x"}`, sent("")},
	})
}

// FuzzOutcome verifies that no response makes a rule panic, and that only a confirmed one
// is Sent.
func FuzzOutcome(f *testing.F) {
	rule, err := compileOutcome(Request{
		Success: Success{Path: "$.messages[0].status", Equals: "A000", ID: "$.messages[0].id"}, Code: "$.error.code",
		Failures: []Failure{{Path: "$.error.code", Equals: []string{"1"}, Means: "retry"}, {Status: []int{403}, Means: "destination"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(200, `{"messages":[{"status":"A000","id":"1"}]}`)
	f.Add(200, `{"messages":[{"status":"B000"}],"error":{"code":1}}`)
	f.Add(403, `{"error":{"code":{}}}`)
	f.Add(429, `{`)
	f.Add(202, `[[[[[]]]]]`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		res := call.Response{Status: 200 + (status&0xffff)%400, Body: []byte(body)}
		o := call.Redact(rule.outcome(res, res.Outcome(messengertest.Noon)))
		messengertest.CheckOutcome(t, o, "the credential")
		if value, ok := selectValue(rule.path, decode([]byte(body))); o.Kind == messenger.Sent && (!ok || value != "A000" || res.Status > 299) {
			t.Errorf("%d %s is sent", res.Status, body)
		}
	})
}
