package discord

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

const channelID = "323456789012345678"

var botSample = messengertest.Sample{
	New:       messengertest.Maker(NewBot),
	Message:   messenger.Message{DeliveryID: 7, Credential: messengertest.Secret, Destination: channelID, Text: "[normal] node1 down"},
	Sent:      created,
	MessageID: "1334567890123456789",
	Reference: "1334567890123456789",
	Gone: []messengertest.GoneResponse{
		{Status: 404, Body: `{"message":"Unknown Message","code":10008}`},
		{Status: 403, Body: `{"message":"Cannot edit a message authored by another user","code":50005}`},
		{Status: 429, Body: `{"message":"Maximum number of edits to messages older than 1 hour reached. Try again later.","code":30046}`},
	},
	Refused: `{"message":"Invalid Form Body","code":50035}`,
	Means:   map[int]call.Classification{404: call.DestinationFailed},
	Shown:   messengertest.Markup{Plain: []string{literalMarkup}, Full: []string{literalMarkup}},
}

func TestBotPromises(t *testing.T) { messengertest.Run(t, botSample) }

func TestBotFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), botSample) }

func TestDiscordBotRequest(t *testing.T) {
	messengertest.Goldens(t, botSample, "DISCORD-BOT-TOKEN", channelID)
	messengertest.IncidentGoldens(t, botSample, "DISCORD-BOT-TOKEN", channelID)
}

func TestDiscordBotResponses(t *testing.T) {
	channel := func(means messenger.Outcome) messenger.Outcome {
		means.Scope = messenger.DestinationScope
		return means
	}
	messengertest.CheckOutcomes(t, botSample, append(answers(),
		messengertest.Response{404, nil, refusal(10003), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "10003"}},
		messengertest.Response{404, nil, "<html>", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "http_404"}},
		messengertest.Response{429, map[string]string{"X-RateLimit-Scope": "user", "Retry-After": "1"}, `{"message":"no","retry_after":0.25,"global":false}`,
			channel(messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 250 * time.Millisecond})},
		messengertest.Response{429, map[string]string{"X-RateLimit-Scope": "shared", "Retry-After": "1337"}, `{"message":"no","retry_after":1336.57,"global":false}`,
			channel(messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 1336570 * time.Millisecond})},
	))
}

// TestDiscordNonce verifies that the nonce is the same for every attempt of a delivery,
// and differs for any other, also for one with the same id of another installation with
// the same bot.
func TestDiscordNonce(t *testing.T) {
	m := messengertest.FullMessage("DISCORD-BOT-TOKEN", channelID)
	nonce := nonceOf(m)
	if len(nonce) > 25 || nonce != nonceOf(m) {
		t.Errorf("%q, then %q", nonce, nonceOf(m))
	}
	for name, change := range map[string]func(*messenger.Message){
		"delivery":    func(m *messenger.Message) { m.DeliveryID++ },
		"time":        func(m *messenger.Message) { m.Time = m.Time.Add(time.Second) },
		"destination": func(m *messenger.Message) { m.Destination = "423456789012345678" },
		"text":        func(m *messenger.Message) { m.Text += "!" },
	} {
		other := m
		change(&other)
		if nonceOf(other) == nonce {
			t.Errorf("another %s has the same nonce", name)
		}
	}
}

func TestDiscordBotSettings(t *testing.T) {
	messengertest.CheckSetting(t, Bot{}.Spec().Credential, map[string]bool{"MTk4NjIy.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs": true, "": false, "Bot abc": false})
	messengertest.CheckSetting(t, Bot{}.Spec().Destination, map[string]bool{channelID: true, "": false, "#general": false, "1/../2": false, "98765": false})
}

// TestDiscordBotRefusesInvalidAddresses verifies that only an id becomes part of the
// URL.
func TestDiscordBotRefusesInvalidAddresses(t *testing.T) {
	m := botSample.Message
	m.Destination = "1/../../users/@me"
	if o := messengertest.Send(t.Context(), t, botSample.At(t, "http://provider.invalid"), m); o.Kind != messenger.Failed || o.Scope != messenger.DestinationScope || o.Code != "invalid_destination" {
		t.Errorf("%+v", o)
	}
	m = botSample.Message
	m.Credential = "two SECRET words"
	if o := messengertest.Send(t.Context(), t, botSample.At(t, "http://provider.invalid"), m); o.Kind != messenger.Failed || o.Scope != messenger.CredentialScope || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}

func TestDiscordBotVerify(t *testing.T) {
	const channel = "GET /api/v10/channels/" + channelID
	failed := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	messengertest.CheckVerify(t, botSample, messengertest.Secret, channelID, map[string]messengertest.Verification{
		"there":       {Responses: map[string]string{channel: `{"id":"` + channelID + `","type":0,"name":"ops"}`}, Want: messenger.Outcome{Kind: messenger.Sent}, Excerpt: "ops"},
		"a forum":     {Responses: map[string]string{channel: `{"id":"` + channelID + `","type":15,"name":"ops"}`}, Want: failed(messenger.DestinationScope, "50008")},
		"a bad token": {Responses: map[string]string{channel: `{"message":"401: Unauthorized","code":0}`}, Status: map[string]int{channel: 401}, Want: failed(messenger.CredentialScope, "http_401")},
		"no access":   {Responses: map[string]string{channel: refusal(50001)}, Status: map[string]int{channel: 403}, Want: failed(messenger.DestinationScope, "50001")},
		"no channel":  {Responses: map[string]string{channel: refusal(10003)}, Status: map[string]int{channel: 404}, Want: failed(messenger.DestinationScope, "10003")},
	})
	messengertest.CheckVerify(t, botSample, messengertest.Secret, "#ops", map[string]messengertest.Verification{"a name": {Want: failed(messenger.DestinationScope, "invalid_destination")}})
	messengertest.CheckVerify(t, botSample, "two SECRET words", channelID, map[string]messengertest.Verification{"no token": {Want: failed(messenger.CredentialScope, "invalid_credential")}})
}
