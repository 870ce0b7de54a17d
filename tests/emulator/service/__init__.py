"""An emulator of Entra's token endpoint, of Microsoft Graph's mail calls and of
Azure Table storage.

It answers as the real services are documented to answer, over TLS on loopback,
keeps what it was sent byte for byte, and lets a test script any other answer.

    wire      bytes to requests, responses to bytes
    server    listeners, connections, and the way one request takes
    rules     scripted answers, stalls and resets
    record    every request, counters, waiting for them
    store     apps, tokens, mailboxes, limits, accepted mail
    entra     the token endpoint
    imds      tokens for the machine itself, by IMDS and Azure Arc's agent
    graph     sendMail, Sent Items, Drafts, and which path is what
    drafts    large mail: drafts, attachments, upload sessions
    tables   Azure Table storage: reads of entities
    odata    keys and filters of such a read
    mime      what Exchange would read out of a message
    errors    the documented error bodies
    control   the interface tests use
    certs     a CA and a server certificate
"""
