package api

import "context"

// ActorKind is how somebody who changes something is known.
type ActorKind string

// The kinds of actors.
const (
	ActorToken    ActorKind = "token"    // by a token, whose name and id the actor has
	ActorPassword ActorKind = "password" // by the password, which has no name
	ActorLink     ActorKind = "link"     // by a signed link that was sent to somebody
	ActorCommand  ActorKind = "command"  // by a command on the machine of the server; the name is that of the system's user
	ActorServer   ActorKind = "server"   // nobody: Watchkeeper by itself
)

// Valid reports whether k is one of the kinds.
func (k ActorKind) Valid() bool {
	switch k {
	case ActorToken, ActorPassword, ActorLink, ActorCommand, ActorServer:
		return true
	}
	return false
}

// Actor is on whose behalf something is changed: what the audit says of it. It travels in the context, from where
// somebody proved who they are to the transaction that records it.
type Actor struct {
	Kind      ActorKind `json:"kind" enum:"token,password,link,command,server"`
	Name      string    `json:"name" doc:"the name of the token, or of the system's user who ran the command"`
	Ref       string    `json:"ref,omitempty" doc:"the id of the token, or the command"`
	Address   string    `json:"address,omitempty" doc:"where the request came from"`
	RequestID string    `json:"request_id,omitempty" doc:"as in the answer's X-Request-Id and in the log"`
}

// ActorKey is under which a context has its actor: an Actor, or an ActorSource.
type ActorKey struct{}

// ActorSource makes an Actor when somebody asks for it, as most requests change nothing that is audited.
type ActorSource interface{ Actor() Actor }

// WithActor gives a context for what is done on behalf of somebody.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, ActorKey{}, a)
}

// ActorOf gives on whose behalf something is done; Watchkeeper itself where the context does not say.
func ActorOf(ctx context.Context) Actor {
	switch a := ctx.Value(ActorKey{}).(type) {
	case Actor:
		return a
	case ActorSource:
		return a.Actor()
	}
	return Actor{Kind: ActorServer, Name: "watchkeeper"}
}
