namespace Notifications.Worker.Email.Outages;

/// <summary>
/// An email was not sent and not even tried: it has waited for the mail server, or for its turn, as long as it may. That
/// is no failure: its message is to come back later, as it is.
/// </summary>
public sealed class MailHeldException() : Exception("The email has waited for the mail server as long as it may.");
