namespace Orders.Email.Outages;

/// <summary>A time in which the mail server takes no email from anybody.</summary>
/// <param name="Since">When the first email failed for it.</param>
/// <param name="Reason">What happened to that email, in one line.</param>
internal sealed record MailOutage(DateTimeOffset Since, string Reason);
