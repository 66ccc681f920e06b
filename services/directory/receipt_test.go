package directory_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// TestReadReceipt proves that only receipts signed with the sealed credential are read,
// and that no response or error holds the credential.
func TestReadReceipt(t *testing.T) {
	_, key := openDirectory(t)
	sealed, err := key.Seal("AC1:s3cret:+15005550006", "twilio")
	if err != nil {
		t.Fatal(err)
	}
	h := directory.ReceiptReader{Key: key, Messengers: all.Messengers(func(string) call.Endpoint {
		return call.Endpoint{CallbackURL: "https://bongsu.example"}
	}, nil)}
	const form, signed = "MessageSid=SM1&MessageStatus=delivered", "MessageSidSM1MessageStatusdelivered"
	good := sign("https://bongsu.example/v1/callbacks/twilio/7"+signed, "s3cret")
	for name, c := range map[string]struct {
		messenger, form, signature string
		delivery                   int64
		want                       error
	}{
		"signed":                     {"twilio", form, good, 7, nil},
		"signed by another":          {"twilio", form, sign("https://bongsu.example/v1/callbacks/twilio/7"+signed, "other"), 7, fault.ErrInvalid},
		"not signed":                 {"twilio", form, "", 7, fault.ErrInvalid},
		"of another delivery":        {"twilio", form, good, 8, fault.ErrInvalid},
		"changed":                    {"twilio", "MessageSid=SM1&MessageStatus=failed", good, 7, fault.ErrInvalid},
		"no form":                    {"twilio", "%zz", good, 7, fault.ErrInvalid},
		"messenger without receipts": {"slack", form, good, 7, fault.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := h.ReadReceipt(t.Context(), &userv1.ReadReceiptRequest{
				Messenger: c.messenger, SealedCredential: sealed, DeliveryId: c.delivery, Form: []byte(c.form), Signature: c.signature,
			})
			if !errors.Is(err, c.want) || err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if right := res.GetStatus() == "delivered" && res.GetFinal() && res.GetOutcome().GetProviderMessageId() == "SM1"; right != (c.want == nil) {
				t.Errorf("%v", res)
			}
			if strings.Contains(res.String(), "s3cret") {
				t.Errorf("a secret in %v", res)
			}
		})
	}
}

func sign(text, token string) string {
	signed := hmac.New(sha1.New, []byte(token))
	signed.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(signed.Sum(nil))
}
