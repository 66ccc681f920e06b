package mockup

import (
	"crypto/sha256"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// The observed rate limits of webhooks and channels, and the documented one of bots:
// see internal/messenger/discord.
const (
	discordPerSecond = 2.5
	discordBurst     = 5
	discordGlobal    = 50
)

// discordCounted adds the headers of a rate limit bucket to a response. If limits are
// not enforced, it adds none.
func (m *Mockup) discordCounted(bucket string, a response) response {
	if !m.keepsLimits() {
		return a
	}
	if a.headers == nil {
		a.headers = map[string]string{}
	}
	left := m.remaining(bucket)
	after := float64(discordBurst-left) / discordPerSecond
	a.headers["X-RateLimit-Limit"] = strconv.Itoa(discordBurst)
	a.headers["X-RateLimit-Remaining"] = strconv.Itoa(left)
	a.headers["X-RateLimit-Reset-After"] = fmt.Sprintf("%.3f", after)
	a.headers["X-RateLimit-Reset"] = fmt.Sprintf("%.3f", float64(m.Now().UnixMilli())/1000+after)
	sum := sha256.Sum256([]byte(bucket))
	a.headers["X-RateLimit-Bucket"] = fmt.Sprintf("%x", sum[:16])
	return a
}

// discordBusy returns a 429 of a bucket: retry_after in seconds with a fraction in the
// body, whole seconds in the header, or milliseconds in the old version.
func (m *Mockup) discordBusy(bucket string, wait time.Duration, old bool) response {
	after := math.Ceil(wait.Seconds()*1000) / 1000
	a := m.discordCounted(bucket, jsonResponse(http.StatusTooManyRequests, map[string]any{
		"message": "You are being rate limited.", "retry_after": after, "global": false,
	}))
	a.headers["Retry-After"], a.headers["X-RateLimit-Scope"] = seconds(wait), "user"
	if old {
		a.headers["Retry-After"] = strconv.Itoa(int(after * 1000))
	}
	return a
}

// discordGlobalBusy returns a 429 of the global rate limit of a bot.
func discordGlobalBusy(wait time.Duration) response {
	a := jsonResponse(http.StatusTooManyRequests, map[string]any{
		"message": "You are being rate limited.", "retry_after": math.Ceil(wait.Seconds()*1000) / 1000, "global": true,
	})
	a.headers["Retry-After"], a.headers["X-RateLimit-Scope"], a.headers["X-RateLimit-Global"] = seconds(wait), "global", "true"
	return a
}
