namespace VmSim.Host.Reporting;

/// <summary>Styles and scripts that pages have in them; they lie in this assembly.</summary>
internal static class HtmlResource
{
    /// <summary>The text of one.</summary>
    /// <param name="name">Its name, such as page.css.</param>
    public static string Read(string name)
    {
        using Stream resource = typeof(HtmlResource).Assembly.GetManifestResourceStream(name)!;
        using StreamReader reader = new(resource);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
