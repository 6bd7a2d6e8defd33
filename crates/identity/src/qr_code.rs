//! QR codes as images.

use qrcode::{Color, EcLevel, QrCode};

/// How many pixels a module is wide.
const SCALE: usize = 6;
/// The light border that readers need, in modules (ISO/IEC 18004, section 9.1).
const QUIET_ZONE: usize = 4;

/// Draws a text as a PNG of one bit a pixel; none when it is longer than a QR code can hold.
pub(crate) fn png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let side = (code.width() + 2 * QUIET_ZONE) * SCALE;
    let mut image = Vec::new();
    let mut encoder = png::Encoder::new(&mut image, u32::try_from(side).ok()?, u32::try_from(side).ok()?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().ok()?;
    let rows: Vec<u8> = (0..side).flat_map(|y| row(&code, side, y)).collect();
    writer.write_image_data(&rows).ok()?;
    writer.finish().ok()?;
    Some(image)
}

/// One row of pixels, eight a byte; a set bit is light.
fn row(code: &QrCode, side: usize, y: usize) -> Vec<u8> {
    let mut bytes = vec![0; side.div_ceil(8)];
    for x in (0..side).filter(|x| is_light(code, *x / SCALE, y / SCALE)) {
        bytes[x / 8] |= 0x80 >> (x % 8);
    }
    bytes
}

fn is_light(code: &QrCode, column: usize, row: usize) -> bool {
    let inside = |position: usize| position.checked_sub(QUIET_ZONE).filter(|position| *position < code.width());
    match (inside(column), inside(row)) {
        (Some(column), Some(row)) => code[(column, row)] == Color::Light,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of an image, as rows of "is light".
    fn pixels(image: &[u8]) -> Vec<Vec<bool>> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(image)).read_info().expect("a PNG");
        let mut buffer = vec![0; reader.output_buffer_size().expect("a small image")];
        let info = reader.next_frame(&mut buffer).expect("an image");
        let bit = |row: &[u8], x: usize| row[x / 8] & (0x80 >> (x % 8)) != 0;
        let width = usize::try_from(info.width).expect("small");
        buffer.chunks(info.line_size).map(|row| (0..width).map(|x| bit(row, x)).collect()).collect()
    }

    #[test]
    fn the_image_shows_the_modules_of_the_code_within_a_quiet_zone() {
        let text = "otpauth://totp/Rolecall:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let code = QrCode::with_error_correction_level(text, EcLevel::M).expect("short");
        let rows = pixels(&png(text).expect("short"));
        assert_eq!(rows.len(), (code.width() + 8) * SCALE);
        for (y, row) in rows.iter().enumerate() {
            for (x, light) in row.iter().enumerate() {
                let module = (x / SCALE).checked_sub(4).zip((y / SCALE).checked_sub(4));
                let inside = module.filter(|(x, y)| *x < code.width() && *y < code.width());
                assert_eq!(*light, inside.is_none_or(|module| code[module] == Color::Light), "{x} {y}");
            }
        }
    }

    #[test]
    fn a_text_that_no_code_can_hold_is_not_drawn() {
        assert!(png(&"a".repeat(5_000)).is_none());
    }
}
