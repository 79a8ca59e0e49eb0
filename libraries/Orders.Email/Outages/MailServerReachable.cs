using MassTransit;

namespace Orders.Email.Outages;

/// <summary>A worker that had published <see cref="MailServerUnreachable"/> has reached the mail server again.</summary>
/// <param name="Since">When the outage began, as that message said it.</param>
/// <param name="Until">When the mail server answered again.</param>
[MessageUrn("Contracts:MailServerReachable")]
public sealed record MailServerReachable(DateTimeOffset Since, DateTimeOffset Until);
