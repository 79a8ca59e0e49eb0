using MassTransit;

namespace Orders.Email.Outages;

/// <summary>A worker cannot reach the mail server: emails wait. Each worker that finds it so says it.</summary>
/// <param name="Since">When the first email failed for it.</param>
/// <param name="Reason">What happened to that email, in one line.</param>
[MessageUrn("Contracts:MailServerUnreachable")]
public sealed record MailServerUnreachable(DateTimeOffset Since, string Reason);
