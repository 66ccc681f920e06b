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
	id, made := m.discordMade("0", post)
	made.effect = m.addMessage(Message{
		Provider: "discord", Destination: r.PathValue("id"), ID: id, Text: post.Content,
		Owner: r.PathValue("token"), form: r.URL.Query().Get("thread_id"),
	})
	return m.discordCounted(bucket, made)
}

// discordHookEdit changes a message of a webhook. One in a thread needs its thread_id.
func (m *Mockup) discordHookEdit(r *http.Request, body []byte) response {
	if a, ok := m.discordUnknownHook(r); ok {
		return a
	}
	post, refusal, refused := readDiscordPost(r, body)
	if refused {
		return refusal
	}
	message, ok := m.findMessage("discord", r.PathValue("id"), r.PathValue("message"))
	if !ok || message.Owner != r.PathValue("token") || message.form != r.URL.Query().Get("thread_id") {
		return discordError(http.StatusNotFound, 10008, "Unknown Message")
	}
	bucket := "discord edit " + r.PathValue("id")
	if wait := m.takeLimit(bucket, discordPerSecond, discordBurst); wait > 0 {
		return m.discordBusy(bucket, wait, false)
	}
	return m.discordChanged(bucket, message, post)
}

// discordChanged returns a changed message.
func (m *Mockup) discordChanged(bucket string, message Message, post discordPost) response {
	a := jsonResponse(http.StatusOK, map[string]any{
		"id": message.ID, "type": 0, "channel_id": message.Destination, "content": post.Content, "embeds": post.Embeds,
		"edited_timestamp": m.Now().UTC().Format(time.RFC3339Nano),
	})
	message.Text = post.Content
	a.effect = m.changeMessage(message)
	return m.discordCounted(bucket, a)
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
	parent := post.Reference.MessageID
	if parent != "" {
		if _, ok := m.findMessage("discordbot", r.PathValue("id"), parent); !ok {
			if post.Reference.FailIfNotExists == nil || *post.Reference.FailIfNotExists {
				return discordInvalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
			}
			parent = ""
		}
	}
	nonce := "discord " + token + " " + post.Nonce
	id, made := m.discordMade(r.PathValue("id"), post)
	if before, ok := m.recall(nonce); ok && post.EnforceNonce && post.Nonce != "" {
		made.body = before
		return m.discordCounted(bucket, made)
	}
	add := m.addMessage(Message{Provider: "discordbot", Destination: r.PathValue("id"), ID: id, Thread: parent, Text: post.Content, Owner: token})
	made.effect = func() {
		if post.EnforceNonce && post.Nonce != "" {
			if m.remember(nonce, made.body) { // by a concurrent call
				return
			}
		}
		add()
	}
	return m.discordCounted(bucket, made)
}

// discordBotEdit changes a message of a bot.
func (m *Mockup) discordBotEdit(r *http.Request, body []byte) response {
	if a, ok := discordUnknownChannel(r); ok {
		return a
	}
	post, refusal, refused := readDiscordPost(r, body)
	if refused {
		return refusal
	}
	token := r.Header.Get("Authorization")
	message, ok := m.findMessage("discordbot", r.PathValue("id"), r.PathValue("message"))
	switch {
	case !ok:
		return discordError(http.StatusNotFound, 10008, "Unknown Message")
	case message.Owner != token:
		return discordError(http.StatusForbidden, 50005, "Cannot edit a message authored by another user")
	}
	if wait := m.takeLimit("discord bot "+token, discordGlobal, discordGlobal); wait > 0 {
		return discordGlobalBusy(wait)
	}
	bucket := "discord bot edit " + token + " " + r.PathValue("id")
	if wait := m.takeLimit(bucket, discordPerSecond, discordBurst); wait > 0 {
		return m.discordBusy(bucket, wait, false)
	}
	return m.discordChanged(bucket, message, post)
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

// discordMade returns a created message and its id.
func (m *Mockup) discordMade(channel string, post discordPost) (id string, a response) {
	at := m.uniqueMicros()
	const epoch = 1420070400000 // Discord's ids begin with the milliseconds since 2015
	id = strconv.FormatInt((at/1000-epoch)<<22|at%1000, 10)
	return id, jsonResponse(http.StatusOK, map[string]any{
		"id": id, "type": 0, "channel_id": channel,
		"content": post.Content, "embeds": post.Embeds, "nonce": post.Nonce, "timestamp": time.UnixMicro(at).UTC().Format(time.RFC3339Nano),
	})
}
