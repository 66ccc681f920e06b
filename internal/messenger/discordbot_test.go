package messenger

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/mockup"
)

const discordChannelID = "323456789012345678"

var discordBotSample = sample{
	make:      maker(NewDiscordBot),
	message:   Message{DeliveryID: 7, Credential: secret, Destination: discordChannelID, Text: "[normal] node1 down"},
	sent:      discordTaken,
	messageID: "1334567890123456789",
	refused:   `{"message":"Invalid Form Body","code":50035}`,
	means:     map[int]classification{404: destinationFailed},
	shown:     markup{plain: []string{discordMarkup}, full: []string{discordMarkup}},
}

func TestDiscordBotPromises(t *testing.T) { verifyPromises(t, discordBotSample) }

func TestDiscordBotFake(t *testing.T) { verifyFake(t, mockup.New(nil), discordBotSample) }

func TestDiscordBotRequest(t *testing.T) {
	goldens(t, discordBotSample, "DISCORD-BOT-TOKEN", discordChannelID)
}

func TestDiscordBotAnswers(t *testing.T) {
	channel := func(means Outcome) Outcome {
		means.Scope = DestinationScope
		return means
	}
	meanings(t, discordBotSample, append(discordAnswers(),
		answered{404, nil, discordRefusal(10003), Outcome{Kind: Failed, Scope: DestinationScope, Code: "10003"}},
		answered{404, nil, "<html>", Outcome{Kind: Failed, Scope: DestinationScope, Code: "http_404"}},
		answered{429, map[string]string{"X-RateLimit-Scope": "user", "Retry-After": "1"}, `{"message":"no","retry_after":0.25,"global":false}`,
			channel(Outcome{Kind: Paused, Code: "http_429", RetryAfter: 250 * time.Millisecond})},
		answered{429, map[string]string{"X-RateLimit-Scope": "shared", "Retry-After": "1337"}, `{"message":"no","retry_after":1336.57,"global":false}`,
			channel(Outcome{Kind: Paused, Code: "http_429", RetryAfter: 1336570 * time.Millisecond})},
	))
}

// TestDiscordNonce verifies that the nonce is the same for every attempt of a delivery,
// and differs for any other, also for one with the same id of another installation with
// the same bot.
func TestDiscordNonce(t *testing.T) {
	m := full("DISCORD-BOT-TOKEN", discordChannelID)
	nonce := discordNonce(m)
	if len(nonce) > 25 || nonce != discordNonce(m) {
		t.Errorf("%q, then %q", nonce, discordNonce(m))
	}
	for name, change := range map[string]func(*Message){
		"delivery":    func(m *Message) { m.DeliveryID++ },
		"time":        func(m *Message) { m.Time = m.Time.Add(time.Second) },
		"destination": func(m *Message) { m.Destination = "423456789012345678" },
		"text":        func(m *Message) { m.Text += "!" },
	} {
		other := m
		change(&other)
		if discordNonce(other) == nonce {
			t.Errorf("another %s has the same nonce", name)
		}
	}
}

func TestDiscordBotSettings(t *testing.T) {
	checks(t, DiscordBot{}.Spec().Credential, map[string]bool{"MTk4NjIy.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs": true, "": false, "Bot abc": false})
	checks(t, DiscordBot{}.Spec().Destination, map[string]bool{discordChannelID: true, "": false, "#general": false, "1/../2": false, "98765": false})
}

// TestDiscordBotRefusesWhatCannotBeCalled verifies that only an id becomes part of the
// URL.
func TestDiscordBotRefusesWhatCannotBeCalled(t *testing.T) {
	m := discordBotSample.message
	m.Destination = "1/../../users/@me"
	if o := send(t.Context(), t, discordBotSample.at(t, "http://provider.invalid"), m); o.Kind != Failed || o.Scope != DestinationScope || o.Code != "invalid_destination" {
		t.Errorf("%+v", o)
	}
	m = discordBotSample.message
	m.Credential = "two SECRET words"
	if o := send(t.Context(), t, discordBotSample.at(t, "http://provider.invalid"), m); o.Kind != Failed || o.Scope != CredentialScope || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}

func TestDiscordBotVerify(t *testing.T) {
	const channel = "GET /api/v10/channels/" + discordChannelID
	failed := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	looks(t, discordBotSample, secret, discordChannelID, map[string]look{
		"there":       {answers: map[string]string{channel: `{"id":"` + discordChannelID + `","type":0,"name":"ops"}`}, want: Outcome{Kind: Sent}, says: "ops"},
		"a forum":     {answers: map[string]string{channel: `{"id":"` + discordChannelID + `","type":15,"name":"ops"}`}, want: failed(DestinationScope, "50008")},
		"a bad token": {answers: map[string]string{channel: `{"message":"401: Unauthorized","code":0}`}, status: map[string]int{channel: 401}, want: failed(CredentialScope, "http_401")},
		"no access":   {answers: map[string]string{channel: discordRefusal(50001)}, status: map[string]int{channel: 403}, want: failed(DestinationScope, "50001")},
		"no channel":  {answers: map[string]string{channel: discordRefusal(10003)}, status: map[string]int{channel: 404}, want: failed(DestinationScope, "10003")},
	})
	looks(t, discordBotSample, secret, "#ops", map[string]look{"a name": {want: failed(DestinationScope, "invalid_destination")}})
	looks(t, discordBotSample, "two SECRET words", discordChannelID, map[string]look{"no token": {want: failed(CredentialScope, "invalid_credential")}})
}
