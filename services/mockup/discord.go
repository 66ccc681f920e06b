package mockup

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// discordHook executes a webhook, in version 10 of Discord's API and in the default
// version of a URL without one, whose Retry-After is in milliseconds.
func (m *Mockup) discordHook(r *http.Request, body []byte) response {
	if a, ok := m.discordUnknownHook(r); ok {
		return a
	}
	post, refusal, refused := readDiscordPost(r, body)
	if refused {
		return refusal
	}
	bucket := "discord " + r.PathValue("id")
	if wait := m.takeLimit(bucket, discordPerSecond, discordBurst); wait > 0 {
		return m.discordBusy(bucket, wait, !strings.HasPrefix(r.URL.Path, "/api/v10/"))
	}
	if r.URL.Query().Get("wait") != "true" {
		return m.discordCounted(bucket, response{status: http.StatusNoContent})
	}
	return m.discordCounted(bucket, m.discordMade("0", post))
}

// discordHookInfo returns a webhook, by its token.
func (m *Mockup) discordHookInfo(r *http.Request, _ []byte) response {
	if a, ok := m.discordUnknownHook(r); ok {
		return a
	}
	return jsonResponse(http.StatusOK, map[string]any{
		"type": 1, "id": r.PathValue("id"), "token": r.PathValue("token"), "name": "mockup", "channel_id": "100000000000000000", "application_id": nil,
	})
}

// discordUnknownHook returns the error for an unknown webhook. The fake accepts every
// webhook with an id and a token in Discord's form.
func (m *Mockup) discordUnknownHook(r *http.Request) (response, bool) {
	switch {
	case r.UserAgent() == "":
		return discordError(http.StatusForbidden, 40333, "internal network error"), true
	case !snowflake.MatchString(r.PathValue("id")):
		return discordError(http.StatusNotFound, 10015, "Unknown Webhook"), true
	case len(r.PathValue("token")) < 8:
		return discordError(http.StatusUnauthorized, 50027, "Invalid Webhook Token"), true
	}
	return response{}, false
}

// discordBot creates a message of a bot. With an enforced nonce it returns the message
// that the same bot created with it before.
func (m *Mockup) discordBot(r *http.Request, body []byte) response {
	if a, ok := discordUnknownChannel(r); ok {
		return a
	}
	post, refusal, refused := readDiscordPost(r, body)
	if refused {
		return refusal
	}
	token := r.Header.Get("Authorization")
	if wait := m.takeLimit("discord bot "+token, discordGlobal, discordGlobal); wait > 0 {
		return discordGlobalBusy(wait)
	}
	bucket := "discord bot " + token + " " + r.PathValue("id")
	if wait := m.takeLimit(bucket, discordPerSecond, discordBurst); wait > 0 {
		return m.discordBusy(bucket, wait, false)
	}
	made := m.discordMade(r.PathValue("id"), post)
	if post.EnforceNonce && post.Nonce != "" {
		if before, ok := m.remember("discord "+token+" "+post.Nonce, made.body); ok {
			made.body = before
		}
	}
	return m.discordCounted(bucket, made)
}

// discordChannelInfo returns a channel: in the fake, every one is a text channel.
func (m *Mockup) discordChannelInfo(r *http.Request, _ []byte) response {
	if a, ok := discordUnknownChannel(r); ok {
		return a
	}
	return jsonResponse(http.StatusOK, map[string]any{"id": r.PathValue("id"), "type": 0, "name": "mockup", "guild_id": "100000000000000000"})
}

func discordUnknownChannel(r *http.Request) (response, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bot ")
	switch {
	case r.UserAgent() == "":
		return discordError(http.StatusForbidden, 40333, "internal network error"), true
	case !ok || token == "" || strings.ContainsRune(token, ' '):
		return discordError(http.StatusUnauthorized, 0, "401: Unauthorized"), true
	case !snowflake.MatchString(r.PathValue("id")):
		return discordError(http.StatusNotFound, 10003, "Unknown Channel"), true
	}
	return response{}, false
}

// discordMade returns a created message.
func (m *Mockup) discordMade(channel string, post discordPost) response {
	at := m.uniqueMicros()
	const epoch = 1420070400000 // Discord's ids begin with the milliseconds since 2015
	return jsonResponse(http.StatusOK, map[string]any{
		"id": strconv.FormatInt((at/1000-epoch)<<22|at%1000, 10), "type": 0, "channel_id": channel,
		"content": post.Content, "embeds": post.Embeds, "nonce": post.Nonce, "timestamp": time.UnixMicro(at).UTC().Format(time.RFC3339Nano),
	})
}
