package mockup

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// discordHook executes a webhook, in version 10 of Discord's API and in the one that
// is meant by a URL without a version: that one says milliseconds in Retry-After.
func (m *Mockup) discordHook(r *http.Request, body []byte) answer {
	if a, is := m.discordUnknownHook(r); is {
		return a
	}
	post, refusal, is := readDiscordPost(r, body)
	if is {
		return refusal
	}
	bucket := "discord " + r.PathValue("id")
	if wait := m.spend(bucket, discordPerSecond, discordBurst); wait > 0 {
		return m.discordBusy(bucket, wait, !strings.HasPrefix(r.URL.Path, "/api/v10/"))
	}
	if r.URL.Query().Get("wait") != "true" {
		return m.discordCounted(bucket, answer{status: http.StatusNoContent})
	}
	return m.discordCounted(bucket, m.discordMade("0", post))
}

// discordHookInfo shows a webhook to who knows its token.
func (m *Mockup) discordHookInfo(r *http.Request, _ []byte) answer {
	if a, is := m.discordUnknownHook(r); is {
		return a
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"type": 1, "id": r.PathValue("id"), "token": r.PathValue("token"), "name": "mockup", "channel_id": "100000000000000000", "application_id": nil,
	})
}

// discordUnknownHook refuses who names no webhook. The fake knows every webhook with
// an id and a token of Discord's shapes.
func (m *Mockup) discordUnknownHook(r *http.Request) (answer, bool) {
	switch {
	case r.UserAgent() == "":
		return discordError(http.StatusForbidden, 40333, "internal network error"), true
	case !snowflake.MatchString(r.PathValue("id")):
		return discordError(http.StatusNotFound, 10015, "Unknown Webhook"), true
	case len(r.PathValue("token")) < 8:
		return discordError(http.StatusUnauthorized, 50027, "Invalid Webhook Token"), true
	}
	return answer{}, false
}

// discordBot makes a message of a bot. A nonce that is enforced brings back what was
// made with it before, to the same bot.
func (m *Mockup) discordBot(r *http.Request, body []byte) answer {
	if a, is := discordUnknownChannel(r); is {
		return a
	}
	post, refusal, is := readDiscordPost(r, body)
	if is {
		return refusal
	}
	token := r.Header.Get("Authorization")
	if wait := m.spend("discord bot "+token, discordGlobal, discordGlobal); wait > 0 {
		return discordGlobalBusy(wait)
	}
	bucket := "discord bot " + token + " " + r.PathValue("id")
	if wait := m.spend(bucket, discordPerSecond, discordBurst); wait > 0 {
		return m.discordBusy(bucket, wait, false)
	}
	made := m.discordMade(r.PathValue("id"), post)
	if post.EnforceNonce && post.Nonce != "" {
		if before, is := m.remember("discord "+token+" "+post.Nonce, made.body); is {
			made.body = before
		}
	}
	return m.discordCounted(bucket, made)
}

// discordChannelInfo shows a channel: to the fake, every one is a text channel.
func (m *Mockup) discordChannelInfo(r *http.Request, _ []byte) answer {
	if a, is := discordUnknownChannel(r); is {
		return a
	}
	return jsonAnswer(http.StatusOK, map[string]any{"id": r.PathValue("id"), "type": 0, "name": "mockup", "guild_id": "100000000000000000"})
}

func discordUnknownChannel(r *http.Request) (answer, bool) {
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bot ")
	switch {
	case r.UserAgent() == "":
		return discordError(http.StatusForbidden, 40333, "internal network error"), true
	case !is || token == "" || strings.ContainsRune(token, ' '):
		return discordError(http.StatusUnauthorized, 0, "401: Unauthorized"), true
	case !snowflake.MatchString(r.PathValue("id")):
		return discordError(http.StatusNotFound, 10003, "Unknown Channel"), true
	}
	return answer{}, false
}

// discordMade is a message that was made.
func (m *Mockup) discordMade(channel string, post discordPost) answer {
	at := m.moment()
	const epoch = 1420070400000 // Discord's ids count milliseconds since 2015, and then some
	return jsonAnswer(http.StatusOK, map[string]any{
		"id": strconv.FormatInt((at/1000-epoch)<<22|at%1000, 10), "type": 0, "channel_id": channel,
		"content": post.Content, "embeds": post.Embeds, "nonce": post.Nonce, "timestamp": time.UnixMicro(at).UTC().Format(time.RFC3339Nano),
	})
}
