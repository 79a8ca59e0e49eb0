namespace Notifications.Worker.Email;

/// <summary>
/// An email could not be handed to the mail server. The message is one short line without the recipient's address. There
/// is no inner exception: MassTransit would report that one, which knows nothing of emails, as the fault.
/// </summary>
public abstract class EmailException(string message) : Exception(message);

/// <summary>Trying again may help: no connection, a time-out, an SMTP reply 4xx, or our own configuration.</summary>
public sealed class TransientEmailException(string message) : EmailException(message);

/// <summary>Trying again cannot help: an SMTP reply 5xx on the recipient or the mail, or an address no server would take.</summary>
public sealed class PermanentEmailException(string message) : EmailException(message);
