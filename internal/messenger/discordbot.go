package messenger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// DiscordBot sends as a bot to channels of Discord
// (https://discord.com/developers/docs/resources/message#create-message).
type DiscordBot struct{ endpoint Endpoint }

var _ Verifier = DiscordBot{}

// NewDiscordBot returns a messenger that calls by an endpoint.
func NewDiscordBot(e Endpoint) DiscordBot { return DiscordBot{endpoint: e} }

// Spec describes an address with a bot. Every bot may make 50 calls a second
// (https://discord.com/developers/docs/topics/rate-limits#global-rate-limit). It is not
// Idempotent, although it sends a nonce: Discord keeps nonces for some minutes only.
func (DiscordBot) Spec() Spec {
	return Spec{
		Name:  "discordbot",
		Title: "Discord bot",
		Credential: Setting{
			Label:  "Bot token",
			Hint:   "from your application's page Bot on discord.com/developers; the bot must be on the server",
			Secret: true,
			Check:  checkToken,
		},
		Destination: Setting{
			Label: "Channel",
			Hint:  "a channel's id such as 1234567890123456789: turn on developer mode, then Copy Channel ID; the bot needs View Channel and Send Messages there",
			Check: checkSnowflake,
		},
		Verifiable: true,
		Limits:     Limits{Credential: ratelimit.Rate{Count: 50, Per: time.Second}, Destination: discordRate},
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

// Send posts the message to the channel.
func (d DiscordBot) Send(ctx context.Context, m Message) Outcome {
	if err := checkToken(m.Credential); err != nil {
		return badCredentialOutcome(err)
	}
	if err := checkSnowflake(m.Destination); err != nil {
		return badDestinationOutcome(err)
	}
	message, cut := discordMessageOf(m)
	message.Nonce, message.EnforceNonce = discordNonce(m), true
	header := discordBotHeader(m.Credential)
	header.Set("Content-Type", "application/json")
	r := d.endpoint.post(ctx, discordChannel(m.Destination)+"/messages", marshal(message), header)
	o := classifyDiscordBot(r, d.endpoint.outcome(r))
	o.Truncated = cut
	return redactOutcome(o, m.Credential)
}

// Verify gets the channel, which notifies nobody
// (https://discord.com/developers/docs/resources/channel#get-channel). It does not
// check whether the bot may post there.
func (d DiscordBot) Verify(ctx context.Context, credential, destination string) Outcome {
	if err := checkToken(credential); err != nil {
		return badCredentialOutcome(err)
	}
	if err := checkSnowflake(destination); err != nil {
		return badDestinationOutcome(err)
	}
	r := d.endpoint.get(ctx, discordChannel(destination), discordBotHeader(credential))
	o := classifyDiscordBot(r, d.endpoint.outcome(r))
	if o.Kind == Sent && discordSilent[readJSON[discordReply](r).Type] {
		o.Code = "50008"
		o = classify(o, discordErrors[50008])
	}
	o.MessageID = "" // the response has the id of the channel
	return redactOutcome(o, credential)
}

// discordSilent are the types of channels that accept no messages: categories,
// directories, forums and media channels
// (https://discord.com/developers/docs/resources/channel#channel-object-channel-types).
var discordSilent = map[int]bool{4: true, 14: true, 15: true, 16: true}

func discordChannel(id string) string { return "https://discord.com/api/v10/channels/" + id }

func discordBotHeader(token string) http.Header {
	header := discordHeader()
	header.Set("Authorization", "Bot "+token)
	return header
}

// discordNonce returns the nonce by which Discord deduplicates a delivery: for some
// minutes it creates no second message of one author with one nonce, of at most 25
// characters. Several installations may share a bot and use the same delivery ids, so
// the nonce is a hash of the whole delivery.
func discordNonce(m Message) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %q %q", m.DeliveryID, m.Time.Unix(), m.Destination, m.Text))
	return hex.EncodeToString(sum[:12])
}

// classifyDiscordBot returns the outcome of a response to a bot: a 404 is about the
// channel.
func classifyDiscordBot(r response, o Outcome) Outcome {
	o = readJSON[discordReply](r).refine(r, o, DestinationScope)
	if o.Status == http.StatusNotFound {
		o = classify(o, destinationFailed)
	}
	return o
}
