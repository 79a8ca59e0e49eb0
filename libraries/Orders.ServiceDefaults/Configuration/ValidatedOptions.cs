using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace Orders.ServiceDefaults.Configuration;

/// <summary>
/// Options whose every mistake stops the start with a line of its own, which names the environment variable to mend, and
/// whose secrets may stand in files.
/// </summary>
public static class ValidatedOptions
{
    /// <summary>
    /// Binds a section of the configuration to its options and checks them when the program starts. A key that does
    /// not exist is taken for what it is: a misspelt one.
    /// </summary>
    public static OptionsBuilder<TOptions> AddValidatedOptions<TOptions>(this IHostApplicationBuilder builder, string section)
        where TOptions : class
    {
        var configuration = builder.Configuration.GetSection(section);
        builder.Services.AddSingleton<IValidateOptions<TOptions>, AnnotationsValidator<TOptions>>();
        return builder.Services.AddOptions<TOptions>()
            .Configure(_ => Check(configuration, typeof(TOptions)))
            .Bind(configuration)
            .PostConfigure(SecretFiles.Read)
            .ValidateOnStart();
    }

    /// <summary>Reads options that decide what the program is composed of. Secrets that stand in files are not among them.</summary>
    /// <exception cref="OptionsValidationException">The section has a misspelt key or a value that its options cannot take.</exception>
    public static TOptions ReadOptions<TOptions>(this IConfiguration configuration, string section)
        where TOptions : class, new()
    {
        Check(configuration.GetSection(section), typeof(TOptions));
        return configuration.GetSection(section).Get<TOptions>() ?? new TOptions();
    }

    // The binder fails as well, but names neither the variable nor the choices; and it passes over some mistakes.
    private static void Check(IConfigurationSection section, Type type)
    {
        if (Mistakes(section, type).ToArray() is { Length: > 0 } mistakes)
        {
            throw new OptionsValidationException(section.Key, type, mistakes);
        }
    }

    private static IEnumerable<string> Mistakes(IConfigurationSection section, Type type)
    {
        if (ElementType(type) is { } elementType)
        {
            return MistakesBelow(section, key => int.TryParse(key, out _) ? elementType : null, $"{Variable(section)}__0, {Variable(section)}__1 and so on");
        }

        if (type.IsClass && type != typeof(string))
        {
            var settings = type.GetProperties().Where(IsSetting).ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
            return MistakesBelow(section, key => settings.GetValueOrDefault(key)?.PropertyType, string.Join(", ", settings.Keys.Select(name => $"{Variable(section)}__{name}")))
                .Concat(SecretFiles.FindMistakes(section, type));
        }

        return section.Value is null || IsValue(section.Value, type)
            ? []
            : [$"{Variable(section)} must be {Describe(type)}, but is '{section.Value}'."];
    }

    private static IEnumerable<string> MistakesBelow(IConfigurationSection section, Func<string, Type?> typeOf, string settings) =>
        string.IsNullOrEmpty(section.Value)
            ? section.GetChildren().SelectMany(child => typeOf(child.Key) is { } type
                ? Mistakes(child, type)
                : [$"{Variable(child)} is not a setting. There are {settings}."])
            : [$"{Variable(section)} is not a setting by itself. There are {settings}."];

    internal static bool IsSetting(PropertyInfo property) =>
        property.SetMethod is { IsPublic: true } || ElementType(property.PropertyType) is not null;

    internal static Type? ElementType(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IList<>) ? type.GetGenericArguments()[0] : null;

    private static bool IsValue(string text, Type type) =>
        Nullable.GetUnderlyingType(type) is { } valueType ? text.Length == 0 || IsValue(text, valueType)
        : type.IsEnum
            // A number would be taken too.
            ? Enum.GetNames(type).Contains(text, StringComparer.OrdinalIgnoreCase)
            : type == typeof(string) || TypeDescriptor.GetConverter(type).IsValid(text);

    private static string Describe(Type type) =>
        Nullable.GetUnderlyingType(type) is { } valueType ? Describe(valueType)
        : type.IsEnum ? OneOf(Enum.GetNames(type))
        : type == typeof(TimeSpan) ? "a time like 00:00:30"
        : type == typeof(bool) ? "true or false"
        : type == typeof(double) ? "a number"
        : "a whole number";

    /// <summary>The environment variable of a setting; what the variables of a section begin with.</summary>
    public static string Variable(IConfigurationSection section) => section.Path.Replace(":", "__", StringComparison.Ordinal);

    // ValidateDataAnnotations wraps each message in words about classes and members.
    private sealed class AnnotationsValidator<TOptions> : IValidateOptions<TOptions>
        where TOptions : class
    {
        public ValidateOptionsResult Validate(string? name, TOptions options)
        {
            var mistakes = new List<ValidationResult>();
            return Validator.TryValidateObject(options, new ValidationContext(options), mistakes, validateAllProperties: true)
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail(mistakes.Select(mistake => mistake.ErrorMessage!));
        }
    }

    private static string OneOf(string[] names) => names.Length == 1 ? names[0] : $"{string.Join(", ", names[..^1])} or {names[^1]}";
}
