package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Delivery is one alert to one address.
type Delivery struct{ ent.Schema }

// Annotations of Delivery.
func (Delivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("deliveries")}
}

// Fields of Delivery.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("alert_id"),
		field.Text("nickname"),
		field.Text("messenger"),
		field.Int8("rank").Comment("the alert's, for the index of what waits"),
		field.Text("destination"),
		field.Bytes("credential").Sensitive().Comment("sealed"),
		field.Text("credential_key").Default("").Comment("the credential's fingerprint; empty where it is not known"),
		field.Int8("state").Comment("1 queued, 2 claimed, 3 sent, 4 failed, 5 expired, 6 canceled"),
		field.Int64("next_time").Comment("when it is due, while it is queued"),
		field.Bool("deferred").Default(false).Comment("a verdict or a sender lets it wait until next_time; else it waits in the queue"),
		field.Text("slots").Default("").Comment("what a sender reserved, while it is queued"),
		field.Int64("expire_time").Default(never),
		field.Int("tries").Default(0).Comment("attempts that count, of one that has not ended"),
		field.Bool("canceled").Default(false).Comment("its alert was canceled while it was claimed, or after it was not needed; or another of its chain was sent while it was claimed"),
		field.Int64("fence").Default(0).Comment("of the last claim"),
		field.Int("attempt_count").Default(0),
		field.Bool("possible_duplicate").Default(false),
		field.Int64("claim_time").Default(0),
		field.Int64("lease_time").Default(0).Comment("when the lease ends"),
		field.Text("sender").Default("").Comment("who claimed it last"),
		field.Bytes("claim_request").Optional().Comment("which claimed it last"),
		field.Int64("chain").Default(0).Comment("the first delivery of its chain; 0 where it is in none"),
		field.Bool("held").Default(false).Comment("it is queued, and was put off until next_time for those before it in its chain"),
		field.Text("thread").Default("").Comment("the deliveries of its alert's key to its address; empty where the alert has no key"),
		field.Int64("thread_order").Default(0).Comment("its place in the thread, as alerts of the key were recorded"),
		field.Bool("resolves").Default(false).Comment("it is of a resolved alert"),
		field.Int64("resume_time").Default(0).Comment("when it is due once those before it in its thread have ended; 0 where it does not wait for them"),
		field.Text("reason").Default(""),
		field.Int64("end_time").Default(0),
		field.Text("receipt_message").Default("").Comment("the provider's id of what the receipt is of; empty where there is none"),
		field.Text("receipt_status").Default(""),
		field.Text("receipt_code").Default(""),
		field.Int64("receipt_time").Default(0),
		field.Bool("receipt_final").Default(false),
		field.Bool("receipt_failed").Default(false),
	}
}

// never is the time of what no alert gave a time to live: the year 9999.
const never = 253_370_764_800_000_000

// Indexes of Delivery. What waits, what is held by a sender, what went wrong, what
// is in a chain and what is open in a thread have indexes of their own, so that finding them costs nothing for all
// others.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("alert_id"),
		index.Fields("nickname", "alert_id"),
		index.Fields("rank", "next_time", "id").StorageKey("delivery_due").
			Annotations(entsql.IndexWhere("state = 1")),
		index.Fields("expire_time").StorageKey("delivery_expiring").
			Annotations(entsql.IndexWhere("state = 1")),
		index.Fields("lease_time").StorageKey("delivery_held").
			Annotations(entsql.IndexWhere("state = 2")),
		index.Fields("state", "alert_id").StorageKey("delivery_unsent").
			Annotations(entsql.IndexWhere("state >= 4")),
		index.Fields("chain").StorageKey("delivery_chain").
			Annotations(entsql.IndexWhere("chain <> 0")),
		index.Fields("thread", "thread_order").StorageKey("delivery_thread").
			Annotations(entsql.IndexWhere("(thread_order <> 0) AND (state <= 2)")),
	}
}
