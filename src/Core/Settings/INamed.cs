namespace VmSim.Core.Settings;

/// <summary>Something that a scenario, a command or a table picks by its name.</summary>
public interface INamed
{
    /// <summary>The name: in kebab-case, unique among its kind, compared letter by letter.</summary>
    string Name { get; }

    /// <summary>One sentence that says what it is, for lists.</summary>
    string Summary { get; }
}
