package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Bot sends as a bot to channels of Discord
// (https://discord.com/developers/docs/resources/message#create-message).
type Bot struct{ endpoint call.Endpoint }

var _ messenger.Verifier = Bot{}

// NewBot returns a messenger that calls by an endpoint.
func NewBot(e call.Endpoint) Bot { return Bot{endpoint: e} }

// Spec describes an address with a bot. Every bot may make 50 calls a second
// (https://discord.com/developers/docs/topics/rate-limits#global-rate-limit). It is not
// Idempotent, although it sends a nonce: Discord keeps nonces for some minutes only.
func (Bot) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "discordbot",
		Title: "Discord bot",
		Credential: messenger.Setting{
			Label:  "Bot token",
			Hint:   "from your application's page Bot on discord.com/developers; the bot must be on the server",
			Secret: true,
			Check:  messenger.CheckToken,
		},
		Destination: messenger.Setting{
			Label: "Channel",
			Hint:  "a channel's id such as 1234567890123456789: turn on developer mode, then Copy Channel ID; the bot needs View Channel and Send Messages there",
			Check: checkSnowflake,
		},
		Verifiable: true,
		Limits:     messenger.Limits{Credential: ratelimit.Rate{Count: 50, Per: time.Second}, Destination: channelRate},
	}
}

var snowflake = regexp.MustCompile(`^[0-9]{15,20}$`)

// checkSnowflake accepts a Discord id.
func checkSnowflake(value string) error {
	if !snowflake.MatchString(value) {
		return errors.New("must be an id such as 1234567890123456789, not a name")
	}
	return nil
}

// Send posts the message to the channel, or changes the previous one of the incident. An
// answer refers to the previous one, if that still exists.
func (d Bot) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if err := messenger.CheckToken(m.Credential); err != nil {
		return call.BadCredential(err)
	}
	if err := checkSnowflake(m.Destination); err != nil {
		return call.BadDestination(err)
	}
	previous := previousOf(m)
	method, at := http.MethodPost, channelURL(m.Destination)+"/messages"
	message, cut := bodyOf(m)
	if previous != "" && !m.Reply {
		method, at, message = http.MethodPatch, at+"/"+previous, message.asChange()
	} else {
		message.Nonce, message.EnforceNonce = nonceOf(m), true
		message.Reference = answerTo(previous)
	}
	header := botHeader(m.Credential)
	header.Set("Content-Type", "application/json")
	r := d.endpoint.Call(ctx, method, at, call.JSON(message), header)
	o := withReference(classifyBot(r, d.endpoint.Outcome(r), previous), m, previous)
	o.Truncated = cut
	return call.Redact(o, append(call.AckSecrets(m), m.Credential)...)
}

// Verify gets the channel, which notifies no user
// (https://discord.com/developers/docs/resources/channel#get-channel). It does not
// check whether the bot may post there.
func (d Bot) Verify(ctx context.Context, credential, destination string) messenger.Outcome {
	if err := messenger.CheckToken(credential); err != nil {
		return call.BadCredential(err)
	}
	if err := checkSnowflake(destination); err != nil {
		return call.BadDestination(err)
	}
	r := d.endpoint.Get(ctx, channelURL(destination), botHeader(credential))
	o := classifyBot(r, d.endpoint.Outcome(r), "")
	if o.Kind == messenger.Sent && silentTypes[call.ReadJSON[reply](r).Type] {
		o.Code = "50008"
		o = call.Classify(o, errorCodes[50008])
	}
	o.MessageID = "" // the response has the id of the channel
	return call.Redact(o, credential)
}

// silentTypes are the types of channels that accept no messages: categories,
// directories, forums and media channels
// (https://discord.com/developers/docs/resources/channel#channel-object-channel-types).
var silentTypes = map[int]bool{4: true, 14: true, 15: true, 16: true}

func channelURL(id string) string { return "https://discord.com/api/v10/channels/" + id }

func botHeader(token string) http.Header {
	header := baseHeader()
	header.Set("Authorization", "Bot "+token)
	return header
}

// nonceOf returns the nonce by which Discord deduplicates a delivery: for some
// minutes it creates no second message of one author with one nonce, of at most 25
// characters. Several installations may share a bot and use the same delivery ids, so
// the nonce is a hash of the whole delivery.
func nonceOf(m messenger.Message) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %q %q%s", m.DeliveryID, m.Time.Unix(), m.Destination, m.Text, m.Digest))
	return hex.EncodeToString(sum[:12])
}

// classifyBot returns the outcome of a response to a bot: a 404 is about the
// channel, or about the previous message.
func classifyBot(r call.Response, o messenger.Outcome, previous string) messenger.Outcome {
	res := call.ReadJSON[reply](r)
	o = res.refine(r, o, messenger.DestinationScope)
	if gone, ok := res.asGone(o, previous); ok {
		return gone
	}
	if o.Status == http.StatusNotFound {
		o = call.Classify(o, call.DestinationFailed)
	}
	return o
}
